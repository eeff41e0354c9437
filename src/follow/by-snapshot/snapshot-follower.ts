/** Follows changes between two databases: all that is brought at once is of one moment. */
import { holdOf, type Shard, sqlEndsOf } from '../../attempt/shard.ts'
import { copyTables } from '../../copying/copy-tables.ts'
import { withSnapshot } from '../../ends/postgres/changes/snapshot.ts'
import { writeSync } from '../../ends/postgres/changes/syncs.ts'
import { endOf } from '../../ends/postgres/database-end.ts'
import { holdReceiving } from '../../ends/postgres/fence/holds.ts'
import { inTransaction } from '../../postgres.ts'
import type { Follower } from '../follower.ts'
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
    await copyTables(shard, {
      ends: { source: endOf(await snapshot.share()), target: shard.ends.target },
      known: new Map(),
    })
    const sync = { seen: snapshot.seen, fingerprint: shard.survey.fingerprint }
    await inTransaction(target.pool, async (client) => {
      await holdReceiving(client, hold, target)
      await writeSync(client, hold, sync)
    })
  })
}

async function beginAtOldHome(shard: Shard): Promise<void> {
  const hold = { ...holdOf(shard), epoch: shard.epoch }
  const home = sqlEndsOf(shard).source
  await inTransaction(home.pool, async (client) => {
    await holdReceiving(client, hold, home)
    await writeSync(client, hold, { seen: seesNothing, fingerprint: shard.survey.fingerprint })
  })
}

/** A `pg_snapshot` that is older than every transaction. */
const seesNothing = '1:1:'
