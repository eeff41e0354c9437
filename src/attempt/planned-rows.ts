/** The rows of the tenant in the plan's tables at one end, and how many they are. */

import type { TenantRows } from '../ends/tenant-rows.ts'
import type { EndTable, Route } from '../plan/routing/route.ts'
import { queryText } from '../plan/stream.ts'
import type { Shard } from './shard.ts'

type EndName = 'source' | 'target'

/** Table → rows. An index on the tenant's column makes it cheap. */
export async function countRows(shard: Shard, end: EndName): Promise<Map<string, number>> {
  const tables = tablesAt(shard, end)
  const counts = await shard.ends[end].rows.counts(tables.map((at) => rowsIn(shard, at)))
  return new Map(tables.map(({ table }, i) => [table.name, counts[i] ?? 0]))
}

export function sum(counts: ReadonlyMap<string, number>): number {
  return [...counts.values()].reduce((total, rows) => total + rows, 0)
}

/** The part of a shard that tells whose rows, and which of them. */
export type RowsOf = Pick<Shard, 'plan' | 'tenant' | 'among' | 'keys'>

/** Only those that the shard is about, where it is but a part of one. */
export function tenantRows(shard: RowsOf, route: Route, end: EndName): TenantRows {
  const path = end === 'source' ? route.sourcePath : route.targetPath
  const { tenant, among, keys } = shard
  const query = end === 'source' ? route.stream?.from : undefined
  return {
    ...rowsIn(shard, { table: route[end], path }),
    among: among?.(route, end),
    keys: keys?.(route, end),
    query: typeof query === 'function' ? queryText(query, tenant) : undefined,
  }
}

function rowsIn({ plan, tenant }: RowsOf, { table, path }: EndTable): TenantRows {
  return { scope: plan.scope, tenant, table, path }
}

export function tablesAt({ survey }: Shard, end: EndName): readonly EndTable[] {
  return end === 'source' ? survey.sources : survey.targets
}
