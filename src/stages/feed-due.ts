/** Which tables have changed since a position, by the source's log. */
import type { Since } from '../endpoints/feed.ts'
import type { ChangedTable } from '../endpoints/sql/changes.ts'
import { changedTables } from '../endpoints/sql/logged-tables.ts'
import { hopsOf } from '../plan/path.ts'
import { type Lost, touched, wouldBeLost } from './changed-rows.ts'
import { feedOf } from './feeds.ts'
import type { Shard } from './shard.ts'

export interface DueTables {
  /** As the target has it: parents first. */
  readonly tables: readonly ChangedTable[]
  readonly total: number
}

/** Throws WRITES_WOULD_BE_LOST where rows have changed that cannot go the way of the shard. */
export async function dueTables(shard: Shard, since: Since): Promise<DueTables> {
  const counts = await feedOf(shard, 'source').countChanges(since)
  const total = [...counts.values()].reduce((sum, n) => sum + n, 0)
  const all = touched(changedTables(shard.plan.scope, shard.survey), counts)
  const blocked = all.filter(({ route }) => route.blocked)
  const lost: Lost[] = []
  for (const table of blocked) {
    const { source, blocked: reason = '' } = table.route
    const writes = counts.get(source.name) || (await countNow(shard, table, since))
    if (writes > 0) lost.push({ table: source.name, writes, reason })
  }
  if (lost.length > 0) throw wouldBeLost(lost)
  const tables = all.filter((table) => !blocked.includes(table))
  const hops = ({ route }: ChangedTable) => hopsOf(route.targetPath)
  return { tables: tables.toSorted((a, b) => hops(a) - hops(b)), total }
}

async function countNow(shard: Shard, { route }: ChangedTable, since: Since): Promise<number> {
  const asked = { ...since, table: route.source.name, kind: 'now', columns: [] } as const
  let rows = 0
  for await (const page of feedOf(shard, 'source').changes({ ...asked, signal: shard.signal })) {
    rows += page.length
  }
  return rows
}
