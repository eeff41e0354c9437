/** How many rows of the tenant stand in the plan's tables at one end, and which tables to empty. */

import { tenantPredicate } from '../endpoints/sql/predicate.ts'
import type { WipeTable } from '../endpoints/sql/wipe.ts'
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

export function tenantWhere(shard: Shard, route: Route, end: EndName): string {
  const path = end === 'source' ? route.sourcePath : route.targetPath
  const { schema } = shard.ends[end]
  return tenantPredicate(path, { schema, alias: 'r', tenant: shard.tenant })
}

/** Children before parents, so that no foreign key is in the way. */
export function tablesToWipe(shard: Shard, end: EndName): WipeTable[] {
  const { routes, cycle } = shard.survey
  return [...routes].reverse().map((route) => ({
    name: route[end].name,
    path: end === 'source' ? route.sourcePath : route.targetPath,
    selfReference: route.selfReference || cycle.includes(route.target.name),
  }))
}
