/** How many rows of the tenant stand in the plan's tables at one end, and which tables to empty. */

import { rowsOf } from '../endpoints/ends.ts'
import type { WipeGroup, WipeOptions } from '../endpoints/sql/wipe.ts'
import type { TenantRows } from '../endpoints/tenant-rows.ts'
import { parentsFirst } from '../plan/order.ts'
import type { EndTable, Route } from '../plan/route.ts'
import { queryText } from '../plan/stream.ts'
import { keysOfTable } from '../plan/tables.ts'
import { holdOf, type Shard } from './shard.ts'

type EndName = 'source' | 'target'

/** Table → rows. One question a table; an index on the tenant's column makes it cheap. */
export async function countRows(shard: Shard, end: EndName): Promise<Map<string, number>> {
  const counts = new Map<string, number>()
  for (const at of tablesAt(shard, end)) {
    counts.set(at.table.name, await rowsOf(shard.ends[end]).count(rowsIn(shard, at)))
  }
  return counts
}

export function sum(counts: ReadonlyMap<string, number>): number {
  return [...counts.values()].reduce((total, rows) => total + rows, 0)
}

/** Only those that the shard is about, where it is but a part of one. */
export function tenantRows(shard: Shard, route: Route, end: EndName): TenantRows {
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

export function rowsIn({ plan, tenant }: Shard, { table, path }: EndTable): TenantRows {
  return { scope: plan.scope, tenant, table, path }
}

export function tablesAt({ survey }: Shard, end: EndName): readonly EndTable[] {
  return end === 'source' ? survey.sources : survey.targets
}

/**
 * Removes the tenant's rows from an end that is not its home, in the mode that rows are copied in.
 * Returns how many. Throws what `wipeTenant` throws.
 */
export async function removeTenant(
  shard: Shard,
  end: EndName,
  options: Pick<WipeOptions, 'mode' | 'onBatch'>,
): Promise<number> {
  const { mayReplicate: replicate } = shard.survey[end]
  const groups = tablesToWipe(shard, end)
  const work = { groups, options: { ...options, replicate, signal: shard.signal } }
  return await rowsOf(shard.ends[end]).wipe(holdOf(shard), work)
}

/** Children before parents, as the foreign keys of that end have it. */
function tablesToWipe(shard: Shard, end: EndName): WipeGroup[] {
  const tables = tablesAt(shard, end)
  const { names, cycle } = parentsFirst(tables.map(({ table }) => table))
  const tableOf = (name: string) => {
    return tables.find((at) => at.table.name === name) as EndTable
  }
  const groups: WipeGroup[] = []
  // From the first table of a circle to the last, whatever stands between them hangs on both.
  const [first, last] = [names.indexOf(cycle[0] ?? ''), names.indexOf(cycle.at(-1) ?? '')]
  for (const [i, name] of [...names.entries()].reverse()) {
    const self = keysOfTable(tableOf(name).table).some((key) => key.parent === name)
    if (i < first || i > last) groups.push({ tables: [tableOf(name)], atOnce: self })
    else if (i === last)
      groups.push({ tables: names.slice(first, last + 1).map(tableOf), atOnce: true })
  }
  return groups
}
