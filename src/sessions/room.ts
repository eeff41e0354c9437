/** Whether a pool has a connection to give at once. */
import type pg from 'pg'

/** A connection can be had without waiting for one that is in use. */
export function hasRoom({ idleCount, totalCount, waitingCount, options }: pg.Pool): boolean {
  return waitingCount === 0 && (idleCount > 0 || totalCount < options.max)
}
