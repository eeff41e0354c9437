/**
 * A rollback after the cutover begins like a move, with the ends exchanged: the target is fenced.
 */
import { randomUUID } from 'node:crypto'
import { holdOf, type Shard, type Stage, store } from '../../attempt/shard.ts'
import { wayBackOf } from '../../attempt/way-back.ts'
import { RehomeError } from '../../errors.ts'
import { feedOf, isAsked } from '../../follow/feeds.ts'
import { fence, fenceWriting } from '../fence.ts'

export const undoFence: Stage = {
  phase: 'undo_fence',
  async run(shard) {
    const { source } = shard.ends
    await refuseHalfway(shard)
    shard.epoch = randomUUID()
    await store(shard, { epoch: shard.epoch })
    await fence.run(wayBackOf(shard))
    // Secret until the target, at the cutover, gives it to the writers that it refuses.
    if (!(await source.flags.letOpen({ ...holdOf(shard), key: shard.epoch }))) {
      throw new RehomeError(
        'NOT_MOVED',
        'the flag at the source no longer says that the tenant is away',
      )
    }
  },
}

/**
 * Over HTTP the old home gets what was written a step at a time. Once that has begun it stands at
 * no moment at all, and is not to be opened as it was at the cutover.
 */
async function refuseHalfway(shard: Shard): Promise<void> {
  if (!isAsked(shard) || shard.plan.rollback.windowMs === 0) return
  const key = { ...holdOf(shard), epoch: shard.move.epoch ?? shard.epoch }
  const sync = await feedOf(shard, 'source').readSync(key)
  if (!sync || (sync.step <= 1 && !sync.lacking)) return
  const message =
    'a rollback that has not ended has begun to change the old copy: repeat it without --discard-writes while its window is open, or keep the tenant at the target'
  throw new RehomeError('NOT_ALLOWED_NOW', message)
}

/** Fences a tenant whose writes are followed. The old home is claimed already. */
export const undoFenceWriting: Stage = {
  phase: 'undo_fence',
  run: (shard) => fenceWriting.run(wayBackOf(shard)),
}
