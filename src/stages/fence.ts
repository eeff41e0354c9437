/** The tenant's writes are refused at the source from this commit on. The lease starts with it. */
import { fenceCaptured, raiseFence } from '../endpoints/sql/flags.ts'
import { RehomeError } from '../errors.ts'
import { announcementOf, heldByAnother } from './announce.ts'
import { holdOf, type Stage } from './shard.ts'

export const fence: Stage = {
  phase: 'fence',
  async run(shard) {
    const { source } = shard.ends
    // Held before it is announced: the pause counts from here, and a lost answer is a held fence.
    shard.lease.hold(source.lifeline, holdOf(shard))
    const raise = announcementOf(shard, 'moving to another database')
    const online = shard.plan.strategy === 'online'
    const raised = await (online ? fenceCaptured : raiseFence)(source.lifeline, raise)
    if (raised) return shard.lease.heldFor(raised.heldMs)
    if (!online) throw await heldByAnother(shard, source)
    shard.lease.letGo()
    throw new RehomeError('FENCE_LOST', 'a writer has ended the capture: it had lapsed')
  },
}
