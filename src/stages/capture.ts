/**
 * From the end of this phase on, every change of the tenant's rows at the source is logged, and the
 * tenant goes on writing. It may take as long as open transactions do.
 */

import { holdOf, type Shard, type Stage } from '../attempt/shard.ts'
import { feedOf } from '../follow/feeds.ts'
import { allOf } from '../parallel.ts'
import { announcementOf, heldByAnother } from './announce.ts'

const drainMsMin = 60_000

/** Forgets the tenant's logged changes, and how far the target had come with them. */
export async function forgetCapture(shard: Shard): Promise<void> {
  const { strategy, rollback } = shard.plan
  if (shard.goesBack ? rollback.windowMs === 0 : strategy !== 'online') return
  const hold = holdOf(shard)
  const [source, target] = [feedOf(shard, 'source'), feedOf(shard, 'target')]
  await allOf([
    source.forgetChanges({ ...hold, position: null }),
    target.forgetCheckpoint({ ...hold, epoch: shard.epoch }),
  ])
}

export const capture: Stage = {
  phase: 'capture',
  async run(shard) {
    const { source } = shard.ends
    const { drainMs } = shard.plan.fence
    const hold = holdOf(shard)
    // A move before this one may have left it, with the values that it kept for rows of its own.
    await feedOf(shard, 'target').forgetCheckpoint({ ...hold, epoch: shard.epoch })
    shard.lease.keep(source.flags, hold)
    const announced = announcementOf(shard, 'moving to another database')
    const started = await source.flags.startCapture(announced)
    if (!started) throw await heldByAnother(shard, source)
    const waiting = { tenant: shard.tenant, drainMs: Math.max(drainMs, drainMsMin) }
    // Writers who come from now on log for the tenant what may become its own.
    await source.rows.drain({ ...waiting, referencesMax: 1, signal: shard.signal })
  },
}
