/**
 * One picture of a run for a terminal of any size: what it comes to, failures by code, tenants on
 * their way, and those that ended last. Pure. Never higher or wider than the window.
 */
import type { RunOverview } from '../../control/runs/run-overview.ts'
import type { TenantLine } from '../../control/runs/run-tenants.ts'
import { number } from '../../numbers.ts'
import { percentBefore } from '../../phases.ts'
import { safe } from '../print.ts'
import { bar, clip, pad, type Screen, styled } from './terminal.ts'

export interface Watched {
  readonly runId: string
  readonly ends: string
  readonly overview: RunOverview
  /** Tenants on their way, and those that ended; the last change comes first. */
  readonly working: readonly TenantLine[]
  readonly ended: readonly TenantLine[]
  readonly notices: readonly string[]
}

export function watchFrame(watched: Watched, screen: Screen): string[] {
  const { columns, rows } = screen
  const head = [
    ...headLines(watched, screen),
    ...failureLines(watched, screen, Math.max(1, Math.floor(rows / 5))),
    ...watched.notices
      .slice(0, 3)
      .map((notice) => styled(clip(safe(notice, 500), columns), 'yellow', screen)),
  ]
  // The last row stays free for the cursor.
  const left = rows - 1 - head.length
  const working = section('on their way', watched.working, {
    lines: Math.ceil(left / 2),
    screen,
    lineOf: workingLine(screen),
  })
  const ended = section('ended last', watched.ended, {
    lines: left - working.length,
    screen,
    lineOf: endedLine(screen),
  })
  return [...head, ...working, ...ended].slice(0, Math.max(1, rows - 1))
}

interface Section {
  readonly lines: number
  readonly screen: Screen
  readonly lineOf: (line: TenantLine) => string
}

function section(title: string, tenants: readonly TenantLine[], within: Section): string[] {
  const { lines, screen, lineOf } = within
  if (tenants.length === 0 || lines < 2) return []
  const shown = tenants.slice(0, lines - 1).map(lineOf)
  return [styled(clip(title, screen.columns), 'dim', screen), ...shown]
}

function headLines({ runId, ends, overview }: Watched, screen: Screen): string[] {
  const { columns } = screen
  const { tenants, remaining } = overview
  const done = tenants - remaining
  const share = tenants === 0 ? 0 : done / tenants
  const percent = `${Math.floor(share * 100)} %`.padStart(5)
  const width = Math.max(5, Math.min(40, columns - 30))
  return [
    styled(clip(`${safe(runId, 200)} · ${safe(ends, 300)}`, columns), 'bold', screen),
    clip(`${bar(share, width)}${percent} · ${number(done)} of ${number(tenants)} tenants`, columns),
    clip(`${phasesLine(overview)} · ${paceText(overview)}`, columns),
    clip(pauseLine(overview), columns),
  ]
}

function pauseLine({ pauses }: RunOverview): string {
  if (pauses.tenants === 0) return 'no pause yet'
  const { medianMs, p99Ms, slowestMs, slowestTenant } = pauses
  const slowest = `slowest ${span(slowestMs)} (${safe(slowestTenant ?? '', 40)})`
  return `pauses: median ${span(medianMs)}, p99 ${span(p99Ms)}, ${slowest}`
}

/** `6,000 moved, 2 copy, 3 failed`: settled ones first. */
function phasesLine({ phases }: RunOverview): string {
  const counts = new Map<string, number>()
  for (const { phase, tenants } of phases) counts.set(phase, (counts.get(phase) ?? 0) + tenants)
  return [...counts].map(([phase, tenants]) => `${number(tenants)} ${phase}`).join(', ')
}

export function paceText({ remaining, estimate }: RunOverview): string {
  const { tenantsPerMinute, rowsPerSecond, left } = estimate
  if (remaining === 0) return 'done'
  if (tenantsPerMinute === null || rowsPerSecond === null || left === null) {
    return 'time left not known yet'
  }
  const range = `${span(left.fromMs)} to ${left.toMs === null ? '?' : span(left.toMs)}`
  const pace = `${tenantsPerMinute.toPrecision(2)}/min, ${number(Math.round(rowsPerSecond))} rows/s`
  return `${pace}, about ${span(left.ms)} left (${range})`
}

function failureLines({ overview: { failures } }: Watched, screen: Screen, most: number): string[] {
  const lines = failures
    .slice(0, most)
    .map(({ code, tenants, example }) =>
      styled(
        clip(`${code} ×${number(tenants)}, e.g. ${safe(example, 60)}`, screen.columns),
        'red',
        screen,
      ),
    )
  const more = failures.length - most
  return more > 0 ? [...lines, `and ${more} more codes`] : lines
}

function workingLine(screen: Screen) {
  const name = nameWidth(screen)
  return (line: TenantLine): string => {
    const share = shareOf(line)
    const phase = line.errand === 'move' ? line.phase : `${line.phase} (${line.errand})`
    const rows = number(Number(line.rows_copied))
    const text = `${pad(safe(line.tenant_id), name)} ${bar(share, 10)} ${phase} ${rows} rows`
    return clip(`${text}${wayText(line)}`, screen.columns)
  }
}

function wayText({ gives_way: reason }: TenantLine): string {
  return reason === null ? '' : ` · gives way: ${safe(reason, 120)}`
}

function shareOf({ phase, rows_copied: copied, rows_total: total }: TenantLine): number {
  const rows = Number(total ?? 0)
  if (phase !== 'copy' || rows === 0) return percentBefore(phase) / 100
  return 0.15 + 0.5 * Math.min(1, Number(copied) / rows)
}

function endedLine(screen: Screen) {
  const name = nameWidth(screen)
  return (line: TenantLine): string => {
    const text = clip(`${pad(safe(line.tenant_id), name)} ${endText(line)}`, screen.columns)
    return line.error_code === null ? text : styled(text, 'red', screen)
  }
}

/** Also of lines where there is no terminal. */
export function endText(line: TenantLine): string {
  const pause = line.pause_ms === null ? '' : `  pause ${span(line.pause_ms)}`
  const error =
    line.error_code === null ? '' : `  ${line.error_code}: ${safe(line.error_message ?? '', 200)}`
  return `${line.phase}  ${number(Number(line.rows_copied))} rows${pause}${error}`
}

function nameWidth({ columns }: Screen): number {
  return Math.max(4, Math.min(32, Math.floor(columns / 3)))
}

/** `850 ms`, `12 s`, `3 min`, `2.5 h`. */
export function span(ms: number | null): string {
  if (ms === null) return '–'
  if (ms < 1000) return `${Math.round(ms)} ms`
  if (ms < 120_000) return `${Number((ms / 1000).toFixed(1))} s`
  return ms < 7_200_000
    ? `${Math.round(ms / 60_000)} min`
    : `${Number((ms / 3_600_000).toFixed(1))} h`
}
