/**
 * From the end of this phase on, every change of the tenant's rows at the source is logged, and the
 * tenant goes on writing. Nobody waits for it, so it may wait long for transactions that were in.
 */
import { forgetChanges } from '../endpoints/sql/change-log.ts'
import { drain } from '../endpoints/sql/drain.ts'
import { changedTables } from '../endpoints/sql/logged-tables.ts'
import { forgetSync } from '../endpoints/sql/syncs.ts'
import { announcementOf, heldByAnother } from './announce.ts'
import { holdOf, type Shard, type Stage, sqlEndsOf } from './shard.ts'

const patienceMs = 60_000

/** What was logged of the tenant's changes, and how far the target had come with them. */
export async function forgetCapture(shard: Shard): Promise<void> {
  const { strategy, rollback } = shard.plan
  if (shard.goesBack ? rollback.windowMs === 0 : strategy !== 'online') return
  const { source, target } = sqlEndsOf(shard)
  const logs = changedTables(shard.plan.scope, shard.survey).map(({ log }) => log)
  await forgetChanges(source.pool, logs, { ...holdOf(shard), seen: null })
  await forgetSync(target.lifeline, { ...holdOf(shard), epoch: shard.epoch })
}

export const capture: Stage = {
  phase: 'capture',
  async run(shard) {
    const { source, target } = sqlEndsOf(shard)
    const { drainMs } = shard.plan.fence
    const hold = holdOf(shard)
    await forgetSync(target.lifeline, { ...hold, epoch: shard.epoch })
    shard.lease.keep(source.flags, hold)
    const announced = announcementOf(shard, 'moving to another database')
    const started = await source.flags.startCapture(announced)
    if (!started) throw await heldByAnother(shard, source)
    const waiting = { tenant: shard.tenant, drainMs: Math.max(drainMs, patienceMs) }
    await drain(source.pool, { ...waiting, signal: shard.signal })
  },
}
