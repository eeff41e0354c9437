/**
 * A rollback after the cutover begins like a move, with the ends exchanged: the target is fenced.
 */
import { randomUUID } from 'node:crypto'
import { holdOf, type Stage, store } from '../../attempt/shard.ts'
import { wayBackOf } from '../../attempt/way-back.ts'
import { RehomeError } from '../../errors.ts'
import { followerOf } from '../../follow/follower-of.ts'
import { fence, fenceWriting } from '../fence.ts'

export const undoFence: Stage = {
  phase: 'undo_fence',
  async run(shard) {
    const { source } = shard.ends
    await followerOf(shard).refuseHalfway(shard)
    shard.epoch = randomUUID()
    await store(shard, { epoch: shard.epoch })
    await fence.run(wayBackOf(shard))
    // Secret until the target, at the cutover, gives it to the writers that it refuses.
    if (!(await source.flags.letOpen({ ...holdOf(shard), key: shard.epoch }))) {
      throw new RehomeError('NOT_MOVED', 'by its flag at the source the tenant is no longer away')
    }
  },
}

/** Fences a tenant whose writes are followed. The old home is claimed already. */
export const undoFenceWriting: Stage = {
  phase: 'undo_fence',
  run: (shard) => fenceWriting.run(wayBackOf(shard)),
}
