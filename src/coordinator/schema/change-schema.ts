/**
 * Expands or contracts the schemas of a plan: lint, statements at both ends, guards, and the record
 * of who ran what, when, and for how long locks were held.
 */
import { survey } from '../../checks/survey.ts'
import type { Control, NewSchemaStatement, SchemaStatement } from '../../control/database.ts'
import { addSchemaStatement, schemaStatementsOf } from '../../control/schema/schema-statements.ts'
import { type PlanEnds, type SqlEnd, sharedEnds } from '../../ends/end.ts'
import { fenceIsInstalled } from '../../ends/postgres/fence/uninstall.ts'
import { applyFiles, statementsOf } from '../../ends/postgres/schema/apply-files.ts'
import type { HeldLock } from '../../ends/postgres/schema/lock-watch.ts'
import type { Ran } from '../../ends/postgres/schema/transaction-unit.ts'
import type { Numbered } from '../../ends/postgres/schema/units.ts'
import { RehomeError } from '../../errors.ts'
import type { Plan } from '../../plan/plan.ts'
import type { SchemaPart } from '../../plan/schema-plan.ts'
import { type Installation, pendingGuards } from '../installation.ts'
import { changedEnds } from './change-files.ts'
import { whyNoContraction } from './contract-due.ts'
import { type PendingFile, pendingAt, refuseUnsafe } from './schema-findings.ts'

export interface SchemaOptions {
  readonly by: string
  /** Lists what would run, and changes nothing. */
  readonly dryRun?: boolean | undefined
  /** Go on with a file that has changed only where nothing of it has run. Default false. */
  readonly acceptChanges?: boolean | undefined
  /** Stops between two statements, or two batches. */
  readonly signal?: AbortSignal | undefined
  readonly onStep?: ((step: SchemaStep) => void) | undefined
}

export interface SchemaStep {
  readonly end: 'source' | 'target'
  readonly file: string
  readonly line: number
  readonly statement: string
  /** `recovered`: a command that was killed had run it. `pending`: it would run. */
  readonly outcome: 'done' | 'recovered' | 'pending'
  readonly attempts: number
  readonly waitedMs: number | null
  /** How long its locks were held, at most, until the commit. */
  readonly heldMs: number | null
  readonly locks: readonly HeldLock[]
  readonly rows: number | null
}

export interface SchemaChanged {
  readonly part: SchemaPart
  readonly steps: readonly SchemaStep[]
  /** Guards that were installed anew. */
  readonly guards: readonly string[]
}

interface Opened {
  readonly plan: Plan
  readonly ends: PlanEnds
}

interface PendingEnd {
  readonly end: SqlEnd
  readonly pending: readonly PendingFile[]
}

/**
 * Runs what has not run yet. Throws PREFLIGHT_FAILED for an unsafe file, NOT_ALLOWED_NOW for a
 * contraction while tenants need the old schema, and what `applyFiles` throws.
 */
export async function changeSchema(
  control: Control,
  opened: Opened,
  { part, ...options }: SchemaOptions & { readonly part: SchemaPart },
): Promise<SchemaChanged> {
  const { plan, ends } = opened
  const changed = changedEnds(plan, ends, part)
  if (changed.length === 0) {
    throw new RehomeError('USAGE', `plan "${plan.name}" has no files in \`schema.${part}\``)
  }
  // Read before the ends are: whatever stands in it is marked there by then, as another command
  // may be running the same files.
  const records = await schemaStatementsOf(control, plan.name)
  const all: PendingEnd[] = []
  for (const end of changed) {
    const pending = await pendingAt(plan, end, part)
    await refuseUnsafe(plan, { end, part, pending })
    all.push({ end, pending })
  }
  for (const one of all) refuseLostRecord(records, { ...one, part })
  if (part === 'contract') await refuseEarly(control, opened, all)
  if (options.dryRun) return { part, steps: all.flatMap(stepsAhead), guards: [] }
  const before = part === 'contract' ? await missingAt(opened) : []
  const steps: SchemaStep[] = []
  for (const one of all) steps.push(...(await changeEnd(control, plan, { ...one, part, options })))
  const guards = await installAnew(opened, before)
  return { part, steps, guards }
}

function hasBegun({ pending }: PendingEnd): boolean {
  return pending.some(
    ({ file, statements, isChanged }) => isChanged || statements.length < statementsOf(file).length,
  )
}

/** Throws NOT_ALLOWED_NOW where an end has forgotten what ran there: it would run twice. */
function refuseLostRecord(
  records: readonly SchemaStatement[],
  { part, ...at }: PendingEnd & { readonly part: SchemaPart },
): void {
  if (hasBegun(at)) return
  const { end, pending } = at
  const files = new Set(pending.map(({ file }) => file.name))
  const ran = records.filter(
    (one) =>
      one.part === part &&
      one.end_name === end.name &&
      one.place === end.place &&
      one.outcome !== 'failed' &&
      files.has(one.file),
  )
  if (ran.length === 0) return
  const message =
    `${ran.length} statement(s) of these files ran at the ${end.name} (${end.place}), and the record ` +
    'there is gone, as by `rehome uninstall` or an older backup. Take files whose changes are ' +
    'there out of the plan, and give the others another name'
  throw new RehomeError('NOT_ALLOWED_NOW', message)
}

async function refuseEarly(
  control: Control,
  opened: Opened,
  all: readonly PendingEnd[],
): Promise<void> {
  const reason = await whyNoContraction(control, { ...opened, hasBegun: all.some(hasBegun) })
  if (reason !== null) throw new RehomeError('NOT_ALLOWED_NOW', reason)
}

function stepsAhead({ end, pending }: PendingEnd): SchemaStep[] {
  return pending.flatMap(({ file, statements }) =>
    statements.map((statement) => stepOf(end, file.name, { statement, ran: null }, 'pending')),
  )
}

function stepOf(
  end: SqlEnd,
  file: string,
  { statement, ran }: { statement: Numbered; ran: Ran | null },
  outcome: SchemaStep['outcome'],
): SchemaStep {
  const { attempts = 0, waitedMs = null, heldMs = null, locks = [], rows = null } = ran ?? {}
  const { line, text } = statement
  return {
    end: end.name,
    file,
    line,
    statement: text,
    outcome,
    attempts,
    waitedMs,
    heldMs,
    locks,
    rows,
  }
}

interface EndChange extends PendingEnd {
  readonly part: SchemaPart
  readonly options: SchemaOptions
}

async function changeEnd(
  control: Control,
  plan: Plan,
  { end, pending, part, options }: EndChange,
): Promise<SchemaStep[]> {
  const { schema, name } = plan
  if (!schema) return []
  let records: Promise<SchemaStatement[]> | undefined
  // First called while this session keeps others out: those before it have recorded theirs.
  const isKnown = async (file: string, { number, hash }: Numbered) => {
    records ??= schemaStatementsOf(control, name)
    return (await records).some(
      (one) =>
        one.end_name === end.name &&
        one.part === part &&
        one.file === file &&
        one.number === number &&
        one.hash === hash &&
        one.outcome !== 'failed',
    )
  }
  const steps: SchemaStep[] = []
  const change = { plan: name, part, end, by: options.by }
  await applyFiles(end, {
    plan: name,
    part,
    files: pending.map(({ file }) => file),
    timing: schema,
    acceptChanges: options.acceptChanges ?? false,
    signal: options.signal,
    async onApplied({ file, statement, ran }) {
      if (!ran && (await isKnown(file, statement))) return
      const outcome = ran ? 'done' : 'recovered'
      await addSchemaStatement(control, {
        ...recordOf(change, file, statement),
        outcome,
        attempts: ran?.attempts ?? 1,
        began_at: ran?.beganAt ?? null,
        waited_ms: ran?.waitedMs ?? null,
        held_ms: ran?.heldMs ?? null,
        locks: JSON.stringify(ran?.locks ?? []),
        row_count: ran?.rows?.toString() ?? null,
      })
      const step = stepOf(end, file, { statement, ran }, outcome)
      steps.push(step)
      options.onStep?.(step)
    },
    async onFailed({ file, statement, error }) {
      const attempts = Number(error.data.attempts ?? 1)
      const record = recordOf(change, file, statement)
      await addSchemaStatement(control, { ...record, attempts, error_message: error.message })
    },
  })
  return steps
}

interface Recorded extends Pick<EndChange, 'part' | 'end'> {
  readonly plan: string
  readonly by: string
}

/** A statement as it is recorded, until it is known to have succeeded. */
function recordOf(
  { plan, part, end, by }: Recorded,
  file: string,
  { number, line, hash, text }: Numbered,
): NewSchemaStatement {
  return {
    plan_name: plan,
    part,
    end_name: end.name,
    place: end.place,
    file,
    number,
    line,
    hash,
    statement: text,
    by,
    outcome: 'failed',
    attempts: 1,
  }
}

/** Guards that are missing at ends with a fence. */
async function missingAt({ plan, ends }: Opened): Promise<Installation[]> {
  const { guarded } = await survey(plan, sharedEnds(ends))
  const fenced = new Set<string>()
  for (const { sql } of [ends.source, ends.target])
    if (sql && (await fenceIsInstalled(sql))) fenced.add(sql.name)
  return pendingGuards(guarded.filter(({ end }) => fenced.has(end.name)))
}

/** Does what `init` does: a table that is new, or whose key has changed, has no guard that fits. */
async function installAnew(opened: Opened, before: readonly Installation[]): Promise<string[]> {
  const wereMissing = new Set(before.map(({ what }) => what))
  const steps = (await missingAt(opened)).filter(({ what }) => !wereMissing.has(what))
  for (const step of steps) await step.run()
  return steps.map(({ what }) => what)
}

export interface DueOptions extends Opened {
  readonly signal?: AbortSignal
}

/**
 * Contracts by itself where the plan has `auto`, something is left to run, and no tenant needs the
 * old schema. `null`: it is not due.
 */
export async function contractIfDue(
  control: Control,
  { signal, ...opened }: DueOptions,
): Promise<SchemaChanged | null> {
  const { plan, ends } = opened
  const changed = plan.schema?.auto ? changedEnds(plan, ends, 'contract') : []
  const all = await Promise.all(
    changed.map(async (end) => ({ end, pending: await pendingAt(plan, end, 'contract') })),
  )
  const left = all.flatMap(({ pending }) => pending.flatMap(({ statements }) => statements))
  if (left.length === 0) return null
  const due = { ...opened, hasBegun: all.some(hasBegun) }
  if ((await whyNoContraction(control, due)) !== null) return null
  return await changeSchema(control, opened, { part: 'contract', by: 'the plan', signal })
}
