import type { Command } from 'commander'
import type { Inspection, InspectOptions } from '../../coordinator/inspect.ts'
import { integer, jsonText, print, withRehome } from '../context.ts'
import { loadPlans } from '../load-plan.ts'
import { tenantStep } from '../next-steps.ts'
import { safe, tableText } from '../print.ts'
import { namedPlans } from '../worker.ts'

interface InspectFlags {
  readonly table?: string
  readonly key?: string[]
  readonly sample?: number
  readonly reveal?: boolean
  readonly plan?: string[]
  readonly json?: boolean
}

export function addInspect(program: Command): void {
  program
    .command('inspect <run> <tenant>')
    .description(
      'rows of a tenant side by side: at the source, as the plan makes them, at the target',
    )
    .option('--table <table>', 'only this table (default: all of the plan)')
    .option('--key <key...>', 'rows with these keys: 42, or as a record (42,a)')
    .option('--sample <rows>', 'so many rows of each table, those that differed first', integer)
    .option('--reveal', 'also values of columns that are named like secrets')
    .option('--plan <file...>', "the run's plan (default: REHOME_PLANS)")
    .option('--json', 'as JSON')
    .action(inspect)
}

/** The exit code is 4 where a row differs that should not. */
async function inspect(runId: string, tenant: string, flags: InspectFlags): Promise<void> {
  const plans = await loadPlans(namedPlans(flags.plan ?? []))
  const { table, key: keys, sample, reveal } = flags
  const options: InspectOptions = { table, keys, sample, reveal }
  const inspection = await withRehome((rehome) =>
    rehome.inspect(plans, { runId, tenant, ...options }),
  )
  const differs = inspection.tables.some(({ rows }) =>
    rows.some(({ is }) => differing.includes(is)),
  )
  if (differs) process.exitCode = 4
  const nextSteps =
    differs && inspection.phase === 'failed' ? [tenantStep('retry', runId, tenant)] : []
  print(flags.json ? jsonText({ ...inspection, nextSteps }, 2) : inspectionText(inspection))
}

const differing: readonly string[] = ['different', 'missing', 'extra']

function inspectionText({ runId, tenant, phase, notes, tables }: Inspection): string {
  const lines = [
    `${safe(tenant, 200)} · ${runId} · ${phase}`,
    ...notes.map((note) => `note: ${note}`),
  ]
  for (const { table, from, rows, notes: own } of tables) {
    const name = from === table ? safe(table) : `${safe(from)} → ${safe(table)}`
    lines.push('', `${name}: ${rows.length === 0 ? 'no rows' : `${rows.length} rows`}`)
    lines.push(...own.map((note) => `note: ${note}`))
    for (const row of rows) lines.push(...rowLines(row))
  }
  return lines.join('\n')
}

type Row = Inspection['tables'][number]['rows'][number]

function rowLines({ key, is, columns, note }: Row): string[] {
  const head = ['', 'column', 'source', 'expected', 'target']
  const cells = columns.map(({ column, from, source, expected, target, differs }) => [
    differs ? '*' : ' ',
    from === null || from === column ? safe(column) : `${safe(from)} → ${safe(column)}`,
    ...[source, expected, target].map(cellText),
  ])
  const remark = note === null ? '' : ` · ${safe(note, 1000)}`
  return [
    `  ${safe(key, 200)} ${is}${remark}`,
    ...tableText([head, ...cells])
      .split('\n')
      .map(indented),
  ]
}

function indented(line: string): string {
  return `    ${line}`
}

/** Quotes a value that could be taken for NULL, or for nothing. */
function cellText(cell: string | null | undefined): string {
  if (cell === undefined) return '–'
  if (cell === null) return 'NULL'
  const isOdd = ['', 'NULL', '–'].includes(cell) || cell.trim() !== cell
  return safe(isOdd ? JSON.stringify(cell) : cell, 60)
}
