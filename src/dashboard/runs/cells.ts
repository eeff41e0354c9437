/** The state of a move as a page shows it: a colour's name, a level, and words. Pure. */
import type { CellMove, TenantLine } from '../../control/runs/run-tenants.ts'
import { percentBefore } from '../../phases.ts'

export const states = ['waiting', 'working', 'moved', 'failed', 'gone-back', 'settled'] as const

export type State = (typeof states)[number]

export function stateOf({ open, phase, errand }: Omit<CellMove, 'tenant_id'>): State {
  // An audit changes nothing: its tenant lives where it lived before.
  if (open && errand !== 'audit') return phase === 'queued' ? 'waiting' : 'working'
  if (phase === 'failed') return 'failed'
  if (phase === 'rolled_back') return 'gone-back'
  return phase === 'cleaned' || phase === 'rehearsed' ? 'settled' : 'moved'
}

/** `copy`, or `undo_drain (rollback)`. */
export function wordsOf({ open, phase, errand }: Omit<CellMove, 'tenant_id'>): string {
  return open && errand !== 'move' ? `${phase} (${errand})` : phase
}

/** How far the errand is, in percent; a copy's rows count. */
export function percentOf(move: Pick<TenantLine, 'open' | 'phase' | 'rows_copied' | 'rows_total'>) {
  if (!move.open) return 100
  const total = Number(move.rows_total ?? 0)
  if (move.phase !== 'copy' || total === 0) return percentBefore(move.phase)
  return Math.round(15 + 50 * Math.min(1, Number(move.rows_copied) / total))
}

export type Cell = readonly [tenant: string, state: State, percent: number, words: string]

/** Makes what the script of the grid reads: assets/run.js. */
export function cellOf(move: CellMove): Cell {
  return [move.tenant_id, stateOf(move), percentBefore(move.phase), wordsOf(move)]
}
