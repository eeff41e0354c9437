import { holdOf, type Shard, type Stage, sqlEndsOf } from '../../attempt/shard.ts'
import { wayBackOf } from '../../attempt/way-back.ts'
import { writeSync } from '../../ends/postgres/changes/syncs.ts'
import { holdReceiving } from '../../ends/postgres/fence/holds.ts'
import { RehomeError } from '../../errors.ts'
import { feedOf, isAsked } from '../../follow/feeds.ts'
import { inTransaction } from '../../postgres.ts'
import { catchUp, follow } from '../catch-up.ts'

export const undoCatchUp: Stage = {
  phase: 'undo_catch_up',
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
  const { epoch, move, plan, survey } = shard
  const hold = { ...holdOf(shard), epoch }
  const claimed = await source.flags.claimTarget({
    ...{ ...hold, moveId: move.id, ours: [move.id] },
    ...{ reason: 'moving back', retryAfterS: plan.fence.retryAfterS },
  })
  if (!claimed) {
    throw new RehomeError(
      'NOT_MOVED',
      'the flag at the source no longer says that the tenant is away',
    )
  }
  const { fingerprint } = survey
  if (isAsked(shard)) {
    const nothing = { position: null, fingerprint, lacking: false, step: 1 }
    return await feedOf(shard, 'source').writeSync(hold, nothing)
  }
  const home = sqlEndsOf(shard).source
  await inTransaction(home.pool, async (client) => {
    await holdReceiving(client, hold, home)
    await writeSync(client, hold, { seen: seesNothing, fingerprint })
  })
}

/** A `pg_snapshot` that is older than every transaction. */
const seesNothing = '1:1:'
