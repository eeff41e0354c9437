/** Which tables have changed since a position, by the source's log. */

import type { Shard } from '../../attempt/shard.ts'
import type { Since } from '../../ends/feed.ts'
import type { ChangedTable } from '../../ends/postgres/changes/changes.ts'
import { changedTables } from '../../ends/postgres/changes/logged-tables.ts'
import { hopsOf } from '../../plan/routing/path.ts'
import { type Due, dueOf } from '../by-snapshot/changed-rows.ts'
import { feedOf } from '../feeds.ts'

/**
 * Tables with changes in the target's order: parents first. Throws WRITES_WOULD_BE_LOST where rows
 * have changed that cannot go the way of the shard.
 */
export async function dueTables(shard: Shard, since: Since): Promise<Due> {
  const counts = await feedOf(shard, 'source').countChanges(since)
  const all = changedTables(shard.plan.scope, shard.survey)
  const due = await dueOf(all, counts, (table) => countNow(shard, table, since))
  const hops = ({ route }: ChangedTable) => hopsOf(route.targetPath)
  return { ...due, tables: due.tables.toSorted((a, b) => hops(a) - hops(b)) }
}

async function countNow(shard: Shard, { route }: ChangedTable, since: Since): Promise<number> {
  const request = { ...since, table: route.source.name, kind: 'now', columns: [] } as const
  let rows = 0
  for await (const page of feedOf(shard, 'source').changes({ ...request, signal: shard.signal })) {
    rows += page.length
  }
  return rows
}
