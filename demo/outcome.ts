/** The end of the demonstration: the table of tenants, the totals, and the checks that decide. */
import type { RunSnapshot } from '../src/index.ts'
import type { TrafficReport } from './application/tally.ts'
import type { LedgerCheck } from './check-ledger.ts'
import { visible } from './screen.ts'

export interface Check {
  readonly what: string
  readonly held: boolean
}

interface VerifiedTable {
  readonly equal: boolean
  readonly found: number
}

type Move = RunSnapshot['moves'][number]

function verifiedTables(move: Move): readonly VerifiedTable[] {
  const verified = move.evidence.verified as { tables: VerifiedTable[] } | undefined
  return verified?.tables ?? []
}

function verifiedRows(move: Move): number {
  return verifiedTables(move).reduce((sum, table) => sum + table.found, 0)
}

export function isVerified(move: Move): boolean {
  const tables = verifiedTables(move)
  return tables.length > 0 && tables.every((table) => table.equal)
}

export function tenantTable(moves: readonly Move[], report: TrafficReport): string {
  const bySize = [...moves].sort((a, b) => verifiedRows(b) - verifiedRows(a))
  const rows = bySize.map((move) => {
    const pauses = report.pauses.filter((pause) => pause.tenant === move.tenant_id)
    return [
      visible(move.tenant_id).padEnd(28),
      move.phase.padEnd(11),
      number(
        verifiedTables(move).reduce((sum, table) => sum + table.found, 0),
        8,
      ),
      number(pauseMs(move), 8),
      pauses.length === 0 ? '-'.padStart(10) : number(Math.max(...pauses.map((p) => p.ms)), 10),
      isVerified(move) ? '  yes' : '  no',
    ].join(' ')
  })
  const head = `${'tenant'.padEnd(28)} ${'phase'.padEnd(11)}     rows pause ms writer ms  verified`
  return [head, ...rows].join('\n')
}

function pauseMs(move: Move): number {
  return typeof move.evidence.pauseMs === 'number' ? move.evidence.pauseMs : 0
}

function number(value: number, width: number): string {
  return Math.round(value).toLocaleString('en').padStart(width)
}

export function totals(moves: readonly Move[], report: TrafficReport, ledger: LedgerCheck): string {
  const pauses = moves.map(pauseMs).sort((a, b) => a - b)
  return [
    totalsLine('rows verified', [
      ['', moves.reduce((sum, move) => sum + verifiedRows(move), 0)],
      ['pause median ms', pauses[Math.floor(pauses.length / 2)] ?? 0],
      ['longest ms', pauses.at(-1) ?? 0],
    ]),
    totalsLine('writes accepted', [
      ['', report.accepted],
      ['of which waited for a move', report.held],
    ]),
    totalsLine('writes lost', [
      ['', ledger.lost.length],
      ['duplicated', ledger.duplicated.length],
      ['resurrected', ledger.resurrected.length],
      ['strays', ledger.strays.length],
      ['miscounted', ledger.miscounted.length],
      ['of acknowledged', ledger.acknowledged],
    ]),
    totalsLine('tenants moved', [
      ['', new Set(moves.filter(isVerified).map((move) => move.tenant_id)).size],
      ['writes refused', report.turnedAway],
      ['longest wait of a user ms', report.longestWaitMs],
    ]),
  ].join('\n')
}

function totalsLine(title: string, parts: readonly (readonly [string, number])[]): string {
  const texts = parts.map(([what, count]) => `${what} ${number(count, 1)}`.trim())
  return `${title.padEnd(15)} ${texts.join(' · ')}`
}

/** Checks from the ledger. */
export function ledgerChecks(report: TrafficReport, ledger: LedgerCheck): Check[] {
  const { lost, duplicated, resurrected, strays, miscounted, acknowledged } = ledger
  return [
    { what: `none of ${acknowledged} acknowledged writes is lost`, held: lost.length === 0 },
    { what: 'none is there twice', held: duplicated.length === 0 },
    { what: 'nothing that was deleted came back', held: resurrected.length === 0 },
    { what: 'nothing that was refused is there', held: strays.length === 0 },
    { what: 'every edit is counted once', held: miscounted.length === 0 },
    { what: 'the application met no other error', held: Object.keys(report.errors).length === 0 },
    { what: 'no write was refused: what met a fence waited', held: report.turnedAway === 0 },
    { what: 'it wrote all the time', held: report.accepted > 100 },
  ]
}
