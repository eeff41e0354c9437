/** Ends the hold of moves, so that they cut over, or begin where their run is offline. */
import type { Control } from '../control/database.ts'
import { type BriefMove, briefMoves } from '../control/run-moves.ts'
import { addRunEvent } from '../control/steer.ts'
import { completeMoves, heldMoves } from '../control/steer-moves.ts'
import { ensureJobs } from '../queue/limits.ts'
import type { Queues } from '../queue/queues.ts'
import { notNow } from './ask-errands.ts'
import { feed } from './fleet/feed.ts'
import { chosen, hasJob, type SteerOptions } from './steer.ts'

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
export async function complete(at: At, runId: string, options: CompleteOptions): Promise<string[]> {
  const { run, some } = await chosen(at, runId, options)
  const held = await heldMoves(at.control, some, options)
  if (some.tenants) await refuseOthers(at, held, { runId, tenants: some.tenants })
  if (options.dryRun) return tenantsOf(held)
  await at.queues.ready()
  const { by, reason, anytime } = options
  const completed = await completeMoves(at.control, some, { by, reason, anytime })
  if (completed.length > 0) {
    const data = { tenants: completed.length, ...(anytime && { anytime }) }
    await addRunEvent(at.control, { runId, kind: 'completed', by, reason, data })
  }
  const isDue = ({ paused, wave }: BriefMove) => paused === null && wave <= run.wave
  if (!run.paused) {
    await ensureJobs(at.queues, completed.filter(hasJob).filter(isDue), { run })
    await feed(at, run.id)
  }
  return tenantsOf(completed)
}

async function refuseOthers(
  { control }: At,
  held: readonly BriefMove[],
  named: { readonly runId: string; readonly tenants: readonly string[] },
): Promise<void> {
  const ids = new Set(held.map(({ id }) => id))
  const other = (await briefMoves(control, named)).find(({ id }) => !ids.has(id))
  if (other) throw notNow(other, 'only a move that is held can be completed')
}

function tenantsOf(moves: readonly BriefMove[]): string[] {
  return moves.map((move) => move.tenant_id)
}
