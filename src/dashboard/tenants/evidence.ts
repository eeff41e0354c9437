/** Reads what a move's evidence says for the tenant's page. What it does not know it leaves out. */
import { z } from 'zod'
import type { Move, MoveEvent } from '../../control/database.ts'

const count = z.number().catch(0)
const copied = z.record(z.string(), z.object({ read: count, written: count })).catch({})
const compared = z.object({
  table: z.string(),
  expected: count,
  found: count,
  differing: count,
  equal: z.boolean(),
})
const phaseMs = z.record(z.string(), z.number()).optional().catch(undefined)
const shape = z.object({
  copied,
  verified: z.object({ tables: z.array(compared) }).catch({ tables: [] }),
  movePhaseMs: phaseMs,
  rollbackPhaseMs: phaseMs,
  auditPhaseMs: phaseMs,
  finalizePhaseMs: phaseMs,
  cleanupPhaseMs: phaseMs,
  pauseMs: z.number().optional().catch(undefined),
  rollbackPauseMs: z.number().optional().catch(undefined),
})

/** null: not known (yet). */
export interface TableEvidence {
  readonly table: string
  readonly read: number | null
  readonly written: number | null
  readonly compared: Pick<z.infer<typeof compared>, 'expected' | 'found' | 'differing'> | null
  readonly equal: boolean | null
}

export interface PhaseTime {
  readonly errand: string
  readonly phase: string
  readonly ms: number
}

export interface Evidence {
  readonly tables: readonly TableEvidence[]
  readonly phases: readonly PhaseTime[]
  readonly pauseMs: number | null
  readonly rollbackPauseMs: number | null
}

/** `phases`: in the order in which they were lived through. */
export function readEvidence(
  move: Pick<Move, 'evidence' | 'pause_ms'>,
  events: readonly Pick<MoveEvent, 'phase'>[],
): Evidence {
  const evidence = shape.parse(move.evidence ?? {})
  return {
    tables: tablesOf(evidence),
    phases: inOrder(events, [
      ...timesOf('move', evidence.movePhaseMs),
      ...timesOf('rollback', evidence.rollbackPhaseMs),
      ...timesOf('audit', evidence.auditPhaseMs),
      ...timesOf('finalize', evidence.finalizePhaseMs),
      ...timesOf('cleanup', evidence.cleanupPhaseMs),
    ]),
    pauseMs: evidence.pauseMs ?? move.pause_ms,
    rollbackPauseMs: evidence.rollbackPauseMs ?? null,
  }
}

function tablesOf({ copied, verified }: z.infer<typeof shape>): TableEvidence[] {
  // The database gives object keys back in an order of its own, but leaves lists as they are.
  const names = [...verified.tables.map(({ table }) => table), ...Object.keys(copied)]
  return [...new Set(names)].map((table) => {
    const rows = copied[table]
    const tableComparison = verified.tables.find((comparison) => comparison.table === table)
    return {
      table,
      read: rows?.read ?? null,
      written: rows?.written ?? null,
      compared: tableComparison ?? null,
      equal: tableComparison?.equal ?? null,
    }
  })
}

function timesOf(errand: string, times: Record<string, number> | undefined): PhaseTime[] {
  return Object.entries(times ?? {}).map(([phase, ms]) => ({ errand, phase, ms }))
}

function inOrder(
  events: readonly Pick<MoveEvent, 'phase'>[],
  phases: readonly PhaseTime[],
): PhaseTime[] {
  const lived = events.map((event) => event.phase)
  return phases.toSorted((a, b) => lived.lastIndexOf(a.phase) - lived.lastIndexOf(b.phase))
}
