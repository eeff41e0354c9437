/** Predicts the kind of a rollback from what the control database knows of the move. Pure. */
import { beforeCutover } from '../phases.ts'
import type { Move } from './database.ts'

/** Calls the move off: the tenant has not been cut over. */
export function isCalledOff({ open, phase }: Pick<Move, 'open' | 'phase'>): boolean {
  return open ? beforeCutover.includes(phase) : phase === 'failed'
}

/** Keeps what the tenant has written since its cutover. */
export function keepsWrites(
  { window_until: until }: Pick<Move, 'window_until'>,
  now: Date,
): boolean {
  return until !== null && until > now
}
