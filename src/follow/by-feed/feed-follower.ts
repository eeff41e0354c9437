/** Follows changes where an end is asked step by step: see feed-round.ts. */
import { holdOf, type Shard } from '../../attempt/shard.ts'
import { copyTables } from '../../copying/copy-tables.ts'
import { RehomeError } from '../../errors.ts'
import { feedOf } from '../feeds.ts'
import type { Follower } from '../follower.ts'
import { tryFollowing } from './feed-audit.ts'
import { followOnce } from './feed-round.ts'

export const byFeed: Follower = {
  copy: copyPageByPage,
  round: followOnce,
  dryRun: tryFollowing,
  beginAtOldHome,
  refuseHalfway,
}

/**
 * Each page as it is when it is read: whatever has changed after the position comes with the first
 * round, and so does a row that collides with one which was read at another moment, or was read
 * before its parent.
 */
async function copyPageByPage(shard: Shard): Promise<void> {
  const hold = { ...holdOf(shard), epoch: shard.epoch }
  const position = await feedOf(shard, 'source').position(hold)
  let lacking = false
  const onLeftOut = () => {
    lacking = true
  }
  await copyTables(shard, { ends: shard.ends, known: new Map(), onLeftOut })
  const { fingerprint } = shard.survey
  await feedOf(shard, 'target').writeCheckpoint(hold, { position, fingerprint, lacking, step: 1 })
}

async function beginAtOldHome(shard: Shard): Promise<void> {
  const hold = { ...holdOf(shard), epoch: shard.epoch }
  const { fingerprint } = shard.survey
  const nothing = { position: null, fingerprint, lacking: false, step: 1 }
  await feedOf(shard, 'source').writeCheckpoint(hold, nothing)
}

/**
 * Over HTTP the old home gets what was written a step at a time. Once that has begun it stands at
 * no moment at all, and is not to be opened as it was at the cutover.
 */
async function refuseHalfway(shard: Shard): Promise<void> {
  if (shard.plan.rollback.windowMs === 0) return
  const key = { ...holdOf(shard), epoch: shard.move.epoch ?? shard.epoch }
  const checkpoint = await feedOf(shard, 'source').readCheckpoint(key)
  if (!checkpoint || (checkpoint.step <= 1 && !checkpoint.lacking)) return
  const message =
    'a rollback that has not ended has begun to change the old copy: repeat it without --discard-writes while its window is open, or keep the tenant at the target'
  throw new RehomeError('NOT_ALLOWED_NOW', message)
}
