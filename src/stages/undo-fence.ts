/**
 * A rollback after the cutover begins like a move, with the ends exchanged: the target is fenced.
 */
import { randomUUID } from 'node:crypto'
import { letOpen, raiseFence, readFlag } from '../endpoints/sql/flags.ts'
import { RehomeError } from '../errors.ts'
import { holdOf, type Shard, type Stage, store } from './shard.ts'

export const undoFence: Stage = {
  phase: 'undo_fence',
  async run(shard) {
    const { source, target } = shard.ends
    const { leaseMs, retryAfterS } = shard.plan.fence
    shard.epoch = randomUUID()
    await store(shard, { epoch: shard.epoch })
    shard.lease.hold(target.lifeline, holdOf(shard))
    const raised = await raiseFence(target.lifeline, {
      ...holdOf(shard),
      epoch: shard.epoch,
      moveId: shard.move.id,
      reason: 'moving back',
      retryAfterS,
      leaseMs,
    })
    if (!raised) throw await held(shard)
    shard.lease.heldFor(raised.heldMs)
    // Known to nobody until the target, at the cutover, tells it to those whom it refuses.
    if (!(await letOpen(source.lifeline, holdOf(shard), shard.epoch))) {
      throw new RehomeError('NOT_MOVED', 'the source does not say any more that the tenant is away')
    }
  },
}

async function held(shard: Shard): Promise<RehomeError> {
  shard.lease.letGo()
  const flag = await readFlag(shard.ends.target.lifeline, holdOf(shard))
  const message = `the target is already ${flag?.mode ?? 'fenced'} by move ${flag?.moveId ?? '?'}`
  return new RehomeError('FENCE_HELD', message)
}
