/** Follows changes between two databases: all that is brought at once is of one moment. */
import { holdOf, type Shard, sqlEndsOf } from '../../attempt/shard.ts'
import { copyTables } from '../../copying/copy-tables.ts'
import { withSharedRows } from '../../copying/shared-rows.ts'
import { commitCheckpoint } from '../../ends/postgres/changes/checkpoints.ts'
import { withSnapshot } from '../../ends/postgres/changes/snapshot.ts'
import { databaseEnd } from '../../ends/postgres/database-end.ts'
import type { Follower } from '../follower.ts'
import { noteSeen } from './seen.ts'
import { bringOnce, tryOnce } from './snapshot-round.ts'

export const bySnapshot: Follower = {
  copy: copyOneMoment,
  round: bringOnce,
  dryRun: tryOnce,
  beginAtOldHome,
  // Each round is one transaction: the old home stands at a moment, whichever was the last.
  refuseHalfway: async () => {},
}

async function copyOneMoment(shard: Shard): Promise<void> {
  const { source, target } = sqlEndsOf(shard)
  const hold = { ...holdOf(shard), epoch: shard.epoch }
  await withSnapshot(source, hold, async (snapshot) => {
    const ends = { source: databaseEnd(await snapshot.share()), target: shard.ends.target }
    await withSharedRows(shard, ends, () => copyTables(shard, { ends, known: new Map() }))
    const checkpoint = { seen: snapshot.seen, fingerprint: shard.survey.fingerprint }
    await commitCheckpoint(target, hold, checkpoint)
    noteSeen(shard, snapshot.seen)
  })
}

async function beginAtOldHome(shard: Shard): Promise<void> {
  const hold = { ...holdOf(shard), epoch: shard.epoch }
  const home = sqlEndsOf(shard).source
  await commitCheckpoint(home, hold, { seen: seesNothing, fingerprint: shard.survey.fingerprint })
}

/** A `pg_snapshot` that is older than every transaction. */
const seesNothing = '1:1:'
