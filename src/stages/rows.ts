/** How many rows of the tenant stand in the plan's tables at one end, and which tables to empty. */

import { tenantPredicate } from '../endpoints/sql/predicate.ts'
import type { WipeGroup } from '../endpoints/sql/wipe.ts'
import { parentsFirst } from '../plan/order.ts'
import type { Route } from '../plan/routes.ts'
import { qualified } from '../quote.ts'
import type { Shard } from './shard.ts'

type EndName = 'source' | 'target'

/** Table → rows. One query a table; an index on the tenant's column makes it cheap. */
export async function countRows(shard: Shard, end: EndName): Promise<Map<string, number>> {
  const counts = new Map<string, number>()
  for (const route of shard.survey.routes) {
    const query = `select count(*)::float8 as rows from ${fromTenant(shard, route, end)}`
    counts.set(route[end].name, (await shard.ends[end].pool.query(query)).rows[0].rows)
  }
  return counts
}

export function sum(counts: ReadonlyMap<string, number>): number {
  return [...counts.values()].reduce((total, rows) => total + rows, 0)
}

/** `schema.table r where …` for this tenant. */
export function fromTenant(shard: Shard, route: Route, end: EndName): string {
  const { schema } = shard.ends[end]
  return `${qualified(schema, route[end].name)} r where ${tenantWhere(shard, route, end)}`
}

/** A condition on `r`; only those that the shard is about, where it is but a part of one. */
export function tenantWhere(shard: Shard, route: Route, end: EndName): string {
  const path = end === 'source' ? route.sourcePath : route.targetPath
  const { schema } = shard.ends[end]
  const ours = tenantPredicate(path, { schema, alias: 'r', tenant: shard.tenant })
  return shard.among ? `${ours} and ${shard.among(route, end)}` : ours
}

/** Children before parents, as the foreign keys of that end have it. */
export function tablesToWipe(shard: Shard, end: EndName): WipeGroup[] {
  const { routes } = shard.survey
  const { names, cycle } = parentsFirst(routes.map((route) => route[end]))
  const tableOf = (name: string) => {
    const route = routes.find((candidate) => candidate[end].name === name) as Route
    return { name, path: end === 'source' ? route.sourcePath : route.targetPath, of: route[end] }
  }
  const groups: WipeGroup[] = []
  // From the first table of a circle to the last, whatever stands between them hangs on both.
  const [first, last] = [names.indexOf(cycle[0] ?? ''), names.indexOf(cycle.at(-1) ?? '')]
  for (const [i, name] of [...names.entries()].reverse()) {
    const self = tableOf(name).of.foreignKeys.some((key) => key.parent === name)
    if (i < first || i > last) groups.push({ tables: [tableOf(name)], atOnce: self })
    else if (i === last)
      groups.push({ tables: names.slice(first, last + 1).map(tableOf), atOnce: true })
  }
  return groups
}
