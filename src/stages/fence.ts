/** The tenant's writes are refused at the source from this commit on. The lease starts with it. */
import { fenceCaptured, raiseFence, readFlag } from '../endpoints/sql/flags.ts'
import { RehomeError } from '../errors.ts'
import { holdOf, type Stage } from './shard.ts'

export const fence: Stage = {
  phase: 'fence',
  async run(shard) {
    const { source } = shard.ends
    const { leaseMs, retryAfterS } = shard.plan.fence
    // Held before it is announced: the pause counts from here, and a lost answer is a held fence.
    shard.lease.hold(source.lifeline, holdOf(shard))
    const raise = {
      ...holdOf(shard),
      epoch: shard.epoch,
      moveId: shard.move.id,
      reason: 'moving to another database',
      retryAfterS,
      leaseMs,
    }
    const online = shard.plan.strategy === 'online'
    const raised = await (online ? fenceCaptured : raiseFence)(source.lifeline, raise)
    if (raised) return shard.lease.heldFor(raised.heldMs)
    shard.lease.letGo()
    if (online) throw new RehomeError('FENCE_LOST', 'a writer has ended the capture: it had lapsed')
    const flag = await readFlag(source.lifeline, holdOf(shard))
    const message = `the source is already ${flag?.mode ?? 'fenced'} by move ${flag?.moveId ?? '?'}`
    throw new RehomeError('FENCE_HELD', message)
  },
}
