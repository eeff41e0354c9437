/** `rehome schema`: the changes of both schemas that a plan names, before and after its moves. */
import type { Command } from 'commander'
import type { SchemaStatement } from '../../control/database.ts'
import type { SchemaStep } from '../../coordinator/schema/change-schema.ts'
import type { PlanInput } from '../../plan/plan.ts'
import type { SchemaPart } from '../../plan/schema-plan.ts'
import { jsonText, note, print, withRehome } from '../context.ts'
import { loadPlan } from '../load-plan.ts'
import { step } from '../next-steps.ts'
import { safe, tableText } from '../print.ts'
import { stopSignal } from '../until-stopped.ts'

const examples = `
Statements that have run are not run again: a command that failed or was killed goes on where it
stopped. Ctrl-C ends it between two statements, or two batches.

Exit codes: 0 done, or nothing is left; 1 a statement failed; 3 a file is unsafe or has changed, a
tenant still needs the old schema, or another command is at work.

Examples:
  rehome schema expand plan.ts --dry-run
  rehome schema expand plan.ts && rehome enqueue plan.ts
  rehome schema contract plan.ts
  rehome schema log plan.ts
`

export function addSchema(program: Command): void {
  const schema = program
    .command('schema')
    .description(
      "change the schemas by the files of the plan's `schema`, and show what was changed",
    )
    .addHelpText('after', examples)
  addPart(schema, 'expand', 'add what the new release needs, before the first tenant moves')
  addPart(schema, 'contract', 'remove what the old release used, after the last tenant has moved')
  schema
    .command('log <plan>')
    .description('list the statements that were run: when, by whom, and how long locks were held')
    .option('--json', 'as JSON')
    .action(log)
}

interface ChangeFlags {
  readonly dryRun?: boolean
  readonly acceptChanges?: boolean
  readonly json?: boolean
}

function addPart(schema: Command, part: SchemaPart, description: string): void {
  schema
    .command(`${part} <plan>`)
    .description(description)
    .option('--dry-run', 'lint the files and list the statements that would run')
    .option('--accept-changes', 'go on with a file that has changed behind what has run of it')
    .option('--json', 'as JSON')
    .action((file: string, flags: ChangeFlags) => change(file, part, flags))
}

async function change(file: string, part: SchemaPart, flags: ChangeFlags): Promise<void> {
  const plan = await loadPlan(file)
  const { dryRun, acceptChanges, json } = flags
  const onStep = json ? undefined : (one: SchemaStep) => print(stepText(one))
  const changed = await withRehome((rehome) =>
    rehome.changeSchema(plan, part, { dryRun, acceptChanges, signal: stopSignal(), onStep }),
  )
  if (json) return print(jsonText({ ...changed, nextSteps: nextOf(file, part, flags) }, 2))
  if (dryRun) for (const one of changed.steps) print(stepText(one))
  for (const guard of changed.guards) print(`installed ${guard}`)
  if (changed.steps.length === 0) print('nothing is left to run')
}

function nextOf(file: string, part: SchemaPart, { dryRun }: ChangeFlags): string[] {
  if (dryRun) return [step('schema', part, file)]
  return [part === 'expand' ? step('enqueue', file) : step('schema', 'log', file)]
}

/** One line, for `enqueue` too. */
export function stepText(step: SchemaStep): string {
  const { end, file, line, statement, outcome } = step
  const what = safe(statement.replace(/\s+/g, ' '), 80)
  const facts = outcome === 'done' ? [`: ${factsOf(step).join(', ')}`] : []
  return `${outcome} at the ${end}, ${safe(file)}:${line} ${what}${facts.join('')}`
}

function factsOf({ waitedMs, heldMs, locks, rows, attempts }: SchemaStep): string[] {
  return [
    ...(rows === null ? [] : [`${rows} rows`]),
    ...(waitedMs ? [`waited ${Math.round(waitedMs)} ms`] : []),
    ...(heldMs === null ? [] : [`locks held ${Math.ceil(heldMs)} ms`]),
    ...locks.map(({ table, mode }) => `${mode} on ${safe(table)}`),
    ...(attempts > 1 ? [`${attempts} attempts`] : []),
  ]
}

async function log(file: string, { json }: { json?: boolean }): Promise<void> {
  const { name }: PlanInput = await loadPlan(file)
  const record = await withRehome((rehome) => rehome.schemaRecord(name))
  const last = record.at(-1)
  const nextSteps = last?.outcome === 'failed' ? [step('schema', last.part, file)] : []
  if (json) return print(jsonText({ statements: record, nextSteps }, 2))
  if (record.length === 0) return note('nothing was run')
  const head = ['at', 'by', 'part', 'end', 'file', 'outcome', 'held ms', 'rows', 'statement']
  print(tableText([head, ...record.map(rowOf)]))
}

function rowOf(one: SchemaStatement): string[] {
  const { ended_at, by, part, end_name, file, line, outcome, held_ms, row_count } = one
  return [
    ended_at.toISOString().slice(0, 19),
    ...[safe(by), part, end_name, `${safe(file)}:${line}`, outcome],
    held_ms === null ? '' : String(Math.ceil(held_ms)),
    row_count ?? '',
    safe((one.error_message ?? one.statement).replace(/\s+/g, ' '), 60),
  ]
}
