/**
 * A rollback after the cutover begins like a move, with the ends exchanged: the target is fenced.
 */
import { randomUUID } from 'node:crypto'
import { RehomeError } from '../errors.ts'
import { fence, fenceWriting } from './fence.ts'
import { holdOf, type Stage, store } from './shard.ts'
import { wayBackOf } from './way-back.ts'

export const undoFence: Stage = {
  phase: 'undo_fence',
  async run(shard) {
    const { source } = shard.ends
    shard.epoch = randomUUID()
    await store(shard, { epoch: shard.epoch })
    await fence.run(wayBackOf(shard))
    // Known to nobody until the target, at the cutover, tells it to those whom it refuses.
    if (!(await source.flags.letOpen({ ...holdOf(shard), key: shard.epoch }))) {
      throw new RehomeError('NOT_MOVED', 'the source does not say any more that the tenant is away')
    }
  },
}

/** Of a tenant whose writes are followed. The old home is claimed already. */
export const undoFenceWriting: Stage = {
  phase: 'undo_fence',
  run: (shard) => fenceWriting.run(wayBackOf(shard)),
}
