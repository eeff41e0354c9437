/** Ends the hold of moves, so that they cut over, or begin where their run is offline. */
import type { Control } from '../control/database.ts'
import { type BriefMove, pagesOf, type Reached, Tally } from '../control/run-moves.ts'
import { addRunEvent } from '../control/steer.ts'
import { completeMoves, isHeldMove } from '../control/steer-moves.ts'
import { ensureJobs } from '../queue/limits.ts'
import type { Queues } from '../queue/queues.ts'
import { feed } from './fleet/feed.ts'
import { chosen, hasJob, refuseOthers, type SteerOptions } from './steer.ts'

interface At {
  readonly control: Control
  readonly queues: Queues
}

export interface CompleteOptions extends SteerOptions {
  /** Also outside the windows of their tenants. */
  readonly anytime?: boolean | undefined
}

/**
 * Returns the tenants whose hold ends. Those of a paused run, or of a wave that has not begun, go
 * on when that ends. NOT_ALLOWED_NOW: a tenant that is named is not held.
 */
export async function complete(at: At, runId: string, options: CompleteOptions): Promise<Reached> {
  const { run, some } = await chosen(at, runId, options)
  const isHeld = isHeldMove(options)
  await refuseOthers(at.control, some, {
    allowed: isHeld,
    otherwise: 'only a move that is held can be completed',
  })
  const { by, reason, anytime, onTenants } = options
  const completed = new Tally(onTenants)
  if (options.dryRun) {
    for await (const page of pagesOf(at.control, some, isHeld)) completed.add(page)
    return completed.get()
  }
  await at.queues.ready()
  const isDue = ({ paused, wave }: BriefMove) => paused === null && wave <= run.wave
  for await (const page of completeMoves(at.control, some, { by, reason, anytime })) {
    completed.add(page)
    if (!run.paused) await ensureJobs(at.queues, page.filter(hasJob).filter(isDue), { run })
  }
  if (completed.count > 0) {
    const data = { tenants: completed.count, ...(anytime && { anytime }) }
    await addRunEvent(at.control, { runId, kind: 'completed', by, reason, data })
  }
  if (!run.paused) await feed(at, run.id)
  return completed.get()
}
