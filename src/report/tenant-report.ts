/**
 * The contents of a report on one tenant. Pure. Nothing passes that is not named here: no token,
 * no epoch, no row of the tenant, no secret.
 */
import { z } from 'zod'
import type { MoveWithEvents, ReportedEvent, ReportedMove } from '../control/runs/run-report.ts'
import { storable } from '../errors.ts'
import {
  type Evidence,
  readEvidence,
  type TableReport,
  tableNamesOf,
  tablesOf,
} from './stored-evidence.ts'

/** A property of the copy that no comparison has shown. */
export interface NotProven {
  readonly kind:
    | 'not-compared'
    | 'columns-not-compared'
    | 'quarantined'
    | 'left-behind'
    | 'late-rows'
    | 'end-cannot-prove'
  readonly where: string
  readonly detail: string
}

export interface EventReport {
  readonly at: Date
  readonly attempt: number
  readonly kind: string
  readonly message: string
  readonly phase: string | null
  readonly by?: string | undefined
  readonly reason?: string | undefined
}

export interface TenantReport {
  readonly tenant: string
  readonly wave: number
  readonly phase: string
  readonly errand: string
  readonly open: boolean
  readonly attempts: number
  /** Attempts that ended with an error, also if a later one went well. null: unknown. */
  readonly failures: number | null
  readonly error: { code: string; message: string; phase: string | null } | null
  /** A retention has removed events: failures and times are unknown, and `events` is incomplete. */
  readonly eventsRemoved: boolean
  readonly startedAt: Date | null
  readonly endedAt: Date | null
  /** From the start of the first attempt to the end of the move, with the waits in between. */
  readonly durationMs: number | null
  readonly pauseMs: number | null
  readonly rollbackPauseMs: number | null
  readonly phaseMs: Evidence['phaseMs']
  readonly rowsTotal: number | null
  readonly rowsCopied: number
  readonly windowUntil: Date | null
  readonly source: Evidence['source']
  readonly target: Evidence['target']
  readonly hash: string | null
  readonly invariants: readonly string[]
  readonly tables: readonly TableReport[]
  readonly notProven: readonly NotProven[]
  readonly events: readonly EventReport[]
}

export function tenantReportOf({ move, events, eventsRemoved }: MoveWithEvents): TenantReport {
  const evidence = readEvidence(move.evidence)
  const failed = events.filter(({ kind }) => kind === 'failed' || kind === 'waiting')
  return {
    tenant: move.tenant_id,
    wave: move.wave,
    phase: move.phase,
    errand: move.errand,
    open: move.open,
    attempts: move.attempt,
    failures: eventsRemoved ? null : failed.length,
    error: errorOf(move),
    eventsRemoved,
    ...spanOf(eventsRemoved ? [] : events),
    pauseMs: evidence.pauseMs ?? move.pause_ms,
    rollbackPauseMs: evidence.rollbackPauseMs,
    phaseMs: evidence.phaseMs,
    rowsTotal: move.rows_total === null ? null : Number(move.rows_total),
    rowsCopied: Number(move.rows_copied),
    windowUntil: move.window_until,
    source: evidence.source,
    target: evidence.target,
    hash: evidence.verified.hash,
    invariants: evidence.invariants,
    tables: tablesOf(evidence),
    notProven: notProvenOf(evidence),
    events: events.map(eventOf),
  }
}

function errorOf({ error_code, error_message, failed_phase }: ReportedMove): TenantReport['error'] {
  if (error_code === null) return null
  return { code: error_code, message: storable(error_message ?? ''), phase: failed_phase }
}

/** A later errand, such as a rollback, does not prolong the move. */
function spanOf(
  events: readonly ReportedEvent[],
): Pick<TenantReport, 'startedAt' | 'endedAt' | 'durationMs'> {
  const startedAt = events.find(({ kind }) => kind === 'phase')?.at ?? null
  const arrived = ['moved', 'rehearsed']
  const endedAt =
    events.find(({ kind, message }) => kind === 'settled' && arrived.includes(message))?.at ??
    events.findLast(({ kind }) => kind === 'settled' || kind === 'failed')?.at ??
    null
  const isOver = startedAt !== null && endedAt !== null
  return { startedAt, endedAt, durationMs: isOver ? Number(endedAt) - Number(startedAt) : null }
}

function notProvenOf(evidence: Evidence): NotProven[] {
  const { verified, quarantined, leftBehind, straysUnseen, unproven } = evidence
  const compared = new Set(verified.tables.map(({ table }) => table))
  const late = Array.isArray(straysUnseen) ? straysUnseen : []
  const unseen = 'rows at the old home that the plan does not find were not looked for'
  return [
    ...tableNamesOf(evidence)
      .filter((table) => !compared.has(table))
      .map((where) => ({ kind: 'not-compared' as const, where, detail: 'copied, not compared' })),
    ...verified.tables
      .filter(({ notCompared }) => notCompared.length > 0)
      .map(({ table, notCompared }) => ({
        kind: 'columns-not-compared' as const,
        where: table,
        detail: notCompared.join(', '),
      })),
    ...Object.entries(quarantined.tables).map(([where, rows]) => ({
      kind: 'quarantined' as const,
      where,
      detail: `${rows} rows stayed behind in rehome.quarantine`,
    })),
    ...leftBehind.map(strayOf('left-behind')),
    ...late.map(strayOf('late-rows')),
    ...(straysUnseen === true
      ? [{ kind: 'late-rows' as const, where: 'source', detail: unseen }]
      : []),
    ...unproven.map(({ where, message }) => ({
      kind: 'end-cannot-prove' as const,
      where,
      detail: message,
    })),
  ]
}

function strayOf(kind: NotProven['kind']) {
  return ({ table, rows, foreignKey }: Evidence['leftBehind'][number]): NotProven => {
    return { kind, where: table, detail: `${rows} rows refer by "${foreignKey}"` }
  }
}

const decision = z.object({
  by: z.string().optional().catch(undefined),
  reason: z.string().optional().catch(undefined),
})

function eventOf({ at, attempt, kind, message, phase, data }: ReportedEvent): EventReport {
  const { by, reason } = decision.parse(data ?? {})
  return {
    // Messages were made storable when they were stored; data was not.
    at,
    attempt,
    kind,
    phase,
    message,
    by,
    reason: reason === undefined ? undefined : storable(reason),
  }
}
