/**
 * A line a tenant, for spreadsheets. Texts are quoted, characters that cannot be seen are shown,
 * and a text that a spreadsheet could take for a formula begins with `'`, also where it takes
 * another character than the comma for the one that separates cells.
 */
import { visible } from '../html.ts'
import type { Collected, TenantLine } from './run-report.ts'
import { isProven } from './statistics.ts'

type Cell = string | number | boolean | null

const cellsOf: Readonly<Record<string, (tenant: TenantLine, run: string) => Cell>> = {
  run: (_, run) => run,
  tenant: ({ tenant }) => tenant,
  wave: ({ wave }) => wave,
  phase: ({ phase }) => phase,
  open: ({ open }) => open,
  attempts: ({ attempts }) => attempts,
  failures: ({ failures }) => failures,
  error_code: ({ error }) => error?.code ?? null,
  error_message: ({ error }) => error?.message ?? null,
  started_at: ({ startedAt }) => startedAt,
  ended_at: ({ endedAt }) => endedAt,
  duration_ms: ({ durationMs }) => durationMs,
  pause_ms: ({ pauseMs }) => pauseMs,
  rollback_pause_ms: ({ rollbackPauseMs }) => rollbackPauseMs,
  rows_copied: ({ rowsCopied }) => rowsCopied,
  rows_expected: ({ tables }) => sumOf(tables.map(({ expected }) => expected)),
  rows_found: ({ tables }) => sumOf(tables.map(({ found }) => found)),
  rows_differing: ({ tables }) => sumOf(tables.map(({ differing }) => differing)),
  all_equal: (tenant) => isProven(tenant),
  digests: ({ tables }) =>
    tables.map(({ table, digest }) => `${table} ${digest ?? 'not compared'}`).join(', '),
  not_proven: ({ notProven }) =>
    notProven.map(({ kind, where, detail }) => `${kind} ${where}: ${detail}`).join('; '),
  events_removed: ({ eventsRemoved }) => eventsRemoved,
  asked_by: ({ events }) => askedOf(events).join('; '),
}

export async function* csvOf({ head, lines }: Collected): AsyncGenerator<string, void, undefined> {
  const columns = Object.values(cellsOf)
  yield `${Object.keys(cellsOf).join(',')}\r\n`
  for await (const line of lines()) {
    const tenant: TenantLine = JSON.parse(line)
    yield `${columns.map((cell) => cellText(cell(tenant, head.run.id))).join(',')}\r\n`
  }
}

/** Requests about one tenant, with who made them and why. */
function askedOf(events: TenantLine['events']): string[] {
  return events.filter(({ kind }) => kind === 'asked').map(({ at, message }) => `${at} ${message}`)
}

function sumOf(counts: readonly (number | null)[]): number | null {
  const numbers = counts.filter((count) => count !== null)
  return numbers.length === 0 ? null : numbers.reduce((sum, count) => sum + count, 0)
}

export function cellText(cell: Cell): string {
  if (cell === null) return ''
  if (typeof cell !== 'string') return String(cell)
  const shown = visible(cell.replace(/[\r\n\t]/g, ' ').normalize('NFC'))
  const harmless = shown.replace(/(^|[,;|"'])(\s*)([=+\-@＝＋－＠])/g, "$1'$2$3")
  return `"${harmless.replaceAll('"', '""')}"`
}
