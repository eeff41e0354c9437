import { holdOf, type Shard, type Stage } from '../../attempt/shard.ts'
import { wayBackOf } from '../../attempt/way-back.ts'
import { RehomeError } from '../../errors.ts'
import { followerOf } from '../../follow/follower-of.ts'
import { catchUp, follow } from '../catch-up.ts'

export const undoCatchUp: Stage = {
  phase: 'undo_catch_up',
  isPaced: true,
  async run(shard) {
    await claimOldHome(shard)
    await catchUp.run(wayBackOf(shard))
  },
}

export const undoFollow: Stage = {
  phase: 'undo_catch_up',
  run: (shard) => follow.run(wayBackOf(shard)),
}

/** It has been closed since the cutover: whatever the log holds is still to come, or repeats. */
export async function claimOldHome(shard: Shard): Promise<void> {
  const { source } = shard.ends
  const { epoch, move, plan } = shard
  const hold = { ...holdOf(shard), epoch }
  const claimed = await source.flags.claimTarget({
    ...hold,
    moveId: move.id,
    ours: [move.id],
    reason: 'moving back',
    retryAfterS: plan.fence.retryAfterS,
  })
  if (!claimed) {
    throw new RehomeError('NOT_MOVED', 'by its flag at the source the tenant is no longer away')
  }
  await followerOf(shard).beginAtOldHome(shard)
}
