/** Reads a move's evidence for the tenant's page. What it does not know it leaves out. */
import type { Move, MoveEvent } from '../../control/database.ts'
import {
  readEvidence as readStored,
  type TableReport,
  tablesOf,
} from '../../report/stored-evidence.ts'

export interface PhaseTime {
  readonly errand: string
  readonly phase: string
  readonly ms: number
}

export interface Evidence {
  readonly tables: readonly TableReport[]
  readonly phases: readonly PhaseTime[]
  readonly pauseMs: number | null
  readonly rollbackPauseMs: number | null
  readonly copyRate: CopyRate | null
}

export interface CopyRate {
  readonly rowsPerS: number
  /** Time until the copy ends at this rate. null: it has ended. */
  readonly leftMs: number | null
}

type EvidenceMove = Pick<
  Move,
  'evidence' | 'pause_ms' | 'phase' | 'attempt' | 'rows_copied' | 'rows_total' | 'updated_at'
>
type EvidenceEvent = Pick<MoveEvent, 'phase' | 'kind' | 'attempt' | 'at'>

/** `phases`: in the order in which they were lived through. */
export function readEvidence(move: EvidenceMove, events: readonly EvidenceEvent[]): Evidence {
  const evidence = readStored(move.evidence)
  const phases = Object.entries(evidence.phaseMs).flatMap(([errand, times]) =>
    Object.entries(times).map(([phase, ms]) => ({ errand, phase, ms })),
  )
  return {
    tables: tablesOf(evidence),
    phases: inOrder(events, phases),
    pauseMs: evidence.pauseMs ?? move.pause_ms,
    rollbackPauseMs: evidence.rollbackPauseMs,
    copyRate: copyRateOf(move, events, evidence.phaseMs.move?.copy),
  }
}

/** Shorter copies tell no rate. */
const rateMinMs = 10

/** Rate of the copy that is under way in this attempt, else of the one that has ended. */
function copyRateOf(
  move: EvidenceMove,
  events: readonly EvidenceEvent[],
  endedMs: number | undefined,
): CopyRate | null {
  const rows = Number(move.rows_copied)
  const began = events.findLast(
    ({ kind, phase, attempt }) => kind === 'phase' && phase === 'copy' && attempt === move.attempt,
  )
  const isCopying = move.phase === 'copy' && began !== undefined
  const ms = isCopying ? move.updated_at.getTime() - began.at.getTime() : endedMs
  if (ms === undefined || ms < rateMinMs || rows === 0) return null
  const rowsLeft = Math.max(0, Number(move.rows_total ?? 0) - rows)
  return { rowsPerS: (rows / ms) * 1000, leftMs: isCopying ? (rowsLeft / rows) * ms : null }
}

function inOrder(
  events: readonly Pick<MoveEvent, 'phase'>[],
  phases: readonly PhaseTime[],
): PhaseTime[] {
  const lived = events.map((event) => event.phase)
  return phases.toSorted((a, b) => lived.lastIndexOf(a.phase) - lived.lastIndexOf(b.phase))
}
