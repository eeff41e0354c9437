/** The report of a run of the fuzzer: figures, and each failing case to be pasted. */
import { sqlOf } from './cases/case-sql.ts'
import { commandOf, type FuzzOptions } from './options.ts'
import type { Found, Outcome } from './run.ts'

export interface Report {
  readonly seed: number
  readonly minutes: number
  readonly cases: number
  readonly counts: Outcome['counts']
  readonly writes: number
  readonly stories: Readonly<Record<string, number>>
  readonly refusals: Readonly<Record<string, number>>
  readonly declined: Readonly<Record<string, number>>
  readonly invalid: readonly string[]
  readonly found: readonly FoundReport[]
  readonly held: boolean
}

export interface FoundReport {
  readonly what: string
  readonly times: number
  readonly case: number
  readonly details: readonly string[]
  readonly plan: unknown
  readonly story: unknown
  readonly source: string
  readonly target: string
  readonly command: string
}

export function reportOf(options: FuzzOptions, outcome: Outcome): Report {
  const { counts, writes, found, invalid } = outcome
  return {
    seed: options.seed,
    minutes: options.minutes,
    cases: Object.values(counts).reduce((sum, count) => sum + count, 0),
    ...{ counts, writes, invalid },
    stories: sorted(outcome.stories),
    refusals: sorted(outcome.refusals),
    declined: sorted(outcome.declined),
    found: found.map((one) => foundReport(options.seed, one)),
    // Where no tenant moved, nothing was proved.
    held: found.length === 0 && invalid.length === 0 && (counts.held > 0 || options.case !== null),
  }
}

function foundReport(seed: number, { number, fault, smallest, plan, times }: Found): FoundReport {
  const { tenantIds, probes, story } = smallest
  return {
    ...{ what: fault.what, times, case: number, details: fault.details, plan },
    story: { tenant: tenantIds.a, ...story, probes },
    source: sqlOf(smallest, 'source'),
    target: sqlOf(smallest, 'target'),
    command: commandOf({ seed, number }),
  }
}

function sorted(counts: ReadonlyMap<string, number>): Record<string, number> {
  return Object.fromEntries([...counts].sort((left, right) => right[1] - left[1]))
}

/** For people. */
export function textOf(report: Report): string {
  const { counts, cases } = report
  const share = cases === 0 ? 0 : Math.round((100 * (counts.held + counts.declined)) / cases)
  return [
    `cases      ${cases}: ${listOf(counts)}; ${share} % got past check`,
    `stories    ${listOf(report.stories)}`,
    `writes     ${report.writes} acknowledged`,
    `declined   ${listOf(report.declined)}`,
    `refused    ${Object.entries(report.refusals)
      .map(([what, times]) => `${String(times).padStart(4)}  ${what}`)
      .join('\n           ')}`,
    ...report.invalid.map((text) => `INVALID    ${text}`),
    ...report.found.map(({ what, times }) => `FAILED     ${times} times: ${what}`),
  ].join('\n')
}

function listOf(counts: Readonly<Record<string, number>>): string {
  const listed = Object.entries(counts).map(([what, times]) => `${what} ${times}`)
  return listed.join(' · ') || 'none'
}

/** One failing case, whole. */
export function accountOf(found: FoundReport): string {
  return [
    `-- ${found.what}`,
    ...found.details.map((line) => `--   ${line.replaceAll('\n', '\n--   ')}`),
    '',
    '-- source',
    found.source,
    '-- target',
    found.target,
    '-- plan',
    JSON.stringify(found.plan, null, 2),
    '-- story',
    JSON.stringify(found.story, null, 2),
    '',
    `-- the same case, before it was made smaller: ${found.command}`,
  ].join('\n')
}
