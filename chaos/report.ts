/** The report of a run of the chaos: figures, verdict, an account of what went wrong. */
import { type FindingKind, findingKinds } from './checks/findings.ts'
import { lineOf } from './log.ts'
import { type ChaosOptions, commandOf } from './options.ts'
import type { Outcome } from './run.ts'

export interface Report {
  readonly seed: number
  readonly minutes: number
  readonly queue: string
  readonly faults: Readonly<Record<string, number>>
  readonly errands: Readonly<Record<string, number>>
  readonly moves: Readonly<Record<string, number>>
  /** The number of cutovers of all tenants, in both directions. */
  readonly cutovers: number
  readonly writes: Readonly<Record<'acknowledged' | 'undone' | 'unknown', number>>
  readonly staleWrites: number
  readonly refusals: number
  readonly codes: Readonly<Record<string, number>>
  readonly pauses: number
  readonly longestPauseMs: number
  readonly longestWaitMs: number
  readonly settledMs: number
  readonly found: Readonly<Record<FindingKind, number>>
  readonly findings: Outcome['findings']
  readonly held: boolean
}

export function reportOf(options: ChaosOptions, outcome: Outcome): Report {
  const { ledger, pauses, findings } = outcome
  const lengths = pauses
    .all()
    .map((pause) => (pause.acceptedMs ?? pause.refusedToMs) - pause.fromMs)
  const kinds = Object.keys(findingKinds) as FindingKind[]
  const count = (kind: FindingKind) => findings.filter((finding) => finding.kind === kind).length
  return {
    seed: options.seed,
    minutes: options.minutes,
    queue: options.queue,
    faults: sorted(outcome.faults),
    errands: sorted(outcome.errands),
    moves: outcome.phases,
    cutovers: outcome.cutovers,
    writes: {
      acknowledged: ledger.count('acknowledged'),
      undone: ledger.count('undone'),
      unknown: ledger.count('unknown'),
    },
    staleWrites: outcome.stale,
    refusals: pauses.refusals,
    codes: outcome.codes,
    pauses: lengths.length,
    longestPauseMs: Math.round(lengths.reduce((most, ms) => Math.max(most, ms), 0)),
    longestWaitMs: Math.round(outcome.waits.longestMs),
    settledMs: Math.round(outcome.settledMs),
    found: Object.fromEntries(kinds.map((kind) => [kind, count(kind)])) as Report['found'],
    findings,
    held: findings.length === 0,
  }
}

function sorted(counts: ReadonlyMap<string, number>): Record<string, number> {
  return Object.fromEntries([...counts].sort((left, right) => right[1] - left[1]))
}

/** For people. */
export function textOf(report: Report): string {
  const { faults, errands, moves, writes, found } = report
  const total = Object.values(faults).reduce((sum, count) => sum + count, 0)
  return [
    `faults        ${total}: ${listOf(faults)}`,
    `errands       ${listOf(errands)}`,
    `moves         ${listOf(moves)}; ${report.cutovers} cutovers`,
    `writes        ${listOf(writes)}; ${report.staleWrites} went to the other end on purpose`,
    `answers       ${listOf(report.codes)}`,
    `pauses        ${report.pauses}, with ${report.refusals} refusals; the longest ${report.longestPauseMs} ms`,
    `waits         the longest of a write for an answer ${report.longestWaitMs} ms`,
    '',
    ...Object.entries(found).map(([kind, count]) => {
      const what = findingKinds[kind as FindingKind]
      return `${count === 0 ? 'held  ' : 'FAILED'} ${kind.padEnd(16)}${count} (${what})`
    }),
  ].join('\n')
}

function listOf(counts: Readonly<Record<string, number>>): string {
  return Object.entries(counts)
    .map(([what, count]) => `${what} ${count}`)
    .join(' · ')
}

/** Findings, and what happened to the tenants concerned, in order. */
export function accountOf(options: ChaosOptions, outcome: Outcome): string {
  const { findings, log } = outcome
  const concerned = new Set(findings.flatMap(({ tenant }) => tenant ?? []))
  return [
    `seed ${options.seed}`,
    ...findings.map(({ kind, tenant, text }) => `${kind}${tenant ? ` ${tenant}` : ''}: ${text}`),
    '',
    ...log.of(concerned).map(lineOf),
    '',
    `The same faults and errands at the same times (what they meet differs from run to run):`,
    `  ${commandOf(options)}`,
  ].join('\n')
}

/** Log lines of the workers about the tenants concerned; each line begins with its time in ms. */
export function workerLinesOf({ findings, workerLogs, log }: Outcome): string {
  const concerned = findings.flatMap(({ tenant }) => (tenant ? [JSON.stringify(tenant)] : []))
  return workerLogs
    .flatMap((text, i) =>
      text
        .split('\n')
        .filter((line) => concerned.some((tenant) => line.includes(tenant)))
        .map((line) => `${timeOf(line) - log.startedAt} ms  worker ${i + 1} ${line}`),
    )
    .sort((left, right) => Number.parseInt(left, 10) - Number.parseInt(right, 10))
    .join('\n')
}

function timeOf(line: string): number {
  return Number(/"time":(\d+)/.exec(line)?.[1] ?? 0)
}
