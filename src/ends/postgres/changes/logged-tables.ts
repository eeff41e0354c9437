/** Which tables have a log of changes, and what stands in it. Pure. */

import type { Catalog } from '../../../plan/catalogs/catalog.ts'
import type { Plan } from '../../../plan/plan.ts'
import { keptOf } from '../../../plan/routing/identity.ts'
import {
  above,
  followedPath,
  hopsOf,
  stepsOf,
  type TenantPath,
} from '../../../plan/routing/path.ts'
import type { EndTable, Route } from '../../../plan/routing/route.ts'
import type { Routing } from '../../../plan/routing/routes.ts'
import { wayBack } from '../../../plan/routing/way-back.ts'
import type { Guarded } from '../fence/guard-sql.ts'
import type { LogShape } from './change-log.ts'
import type { ChangedTable } from './changes.ts'

type EndName = 'source' | 'target'

/** The plan's tables at one end, with what their guards log there. */
export function guardedTables(
  { scope, targetScope, strategy, rollback, source, target, guards }: Guarding,
  { routes, sources, targets }: Pick<Routing, 'routes' | 'sources' | 'targets'>,
  { name: end, schema }: { readonly name: EndName; readonly schema: string },
): Guarded[] {
  const logs = end === 'source' ? strategy === 'online' : rollback.windowMs > 0
  const leaving = end === 'source' ? routes : routes.map(wayBack)
  const here = end === 'source' ? sources : targets
  // The feed of an end reports old rows, and its reader makes keys of them.
  const overHttp = [source, target].some(({ kind }) => kind !== 'sql')
  const whole = overHttp ? { whole: true } : {}
  const routeOf = new Map(leaving.toReversed().map((route) => [route.source.name, route]))
  return here.map(({ table, path, tenantless }) => {
    const route = routeOf.get(table.name)
    return {
      schema,
      table,
      path,
      tenantless,
      scope: end === 'source' ? scope : targetScope,
      childKey: childKeyIn(here, table.name),
      log: logs && route ? { ...logShapeOf(route, leaving), ...whole } : null,
      passing: guards === 'while moving',
    }
  })
}

type Guarding = Pick<
  Plan,
  'scope' | 'targetScope' | 'strategy' | 'rollback' | 'source' | 'target' | 'guards'
>

/** The plan's tables, each before the ones whose rows depend on its rows. */
export function changedTables(
  scope: string,
  { routes, source }: { readonly routes: readonly Route[]; readonly source: Catalog },
): ChangedTable[] {
  const tables = routes.map((route) => ({
    route,
    childKey: childKeysOf(route, routes),
    log: {
      scope,
      schema: source.schema,
      table: route.source.name,
      log: logShapeOf(route, routes),
    },
  }))
  return tables.toSorted((a, b) => hopsOf(a.route.sourcePath) - hopsOf(b.route.sourcePath))
}

/** The columns that are logged of this table's rows at the source. */
export function logShapeOf(route: Route, routes: readonly Route[]): LogShape {
  const childKey = childKeysOf(route, routes)
  const kept = route.blocked ? countedOf(route, childKey) : keptOf(route, childKey)
  const columns = kept.columns.map((name) => {
    const column = route.source.columns.find((candidate) => candidate.name === name)
    return { name, typeSql: column?.typeSql ?? 'pg_catalog.text' }
  })
  const asText = route.source.columns.flatMap(({ name, castsToJson }) => (castsToJson ? name : []))
  return { columns, whole: kept.whole, ...(asText.length > 0 && { asText }) }
}

/** Where rows cannot follow, it is only told that there are some. */
function countedOf(
  route: Route,
  childKey: { source: readonly string[] },
): { columns: readonly string[]; whole: boolean } {
  return { columns: [...new Set([...route.sourceKey, ...childKey.source])], whole: false }
}

function childKeysOf(route: Route, routes: readonly Route[]): ChangedTable['childKey'] {
  return {
    source: childKeyOf(route, routes, 'source'),
    target: childKeyOf(route, routes, 'target'),
  }
}

/** The columns by which rows of planned tables find their tenant through this one. */
function childKeyOf(route: Route, routes: readonly Route[], end: EndName): readonly string[] {
  const paths = pathsOf.get(routes) ?? {
    source: routes.map(({ sourcePath }) => ({ path: sourcePath })),
    target: routes.map(({ targetPath }) => ({ path: followedPath(targetPath) })),
  }
  pathsOf.set(routes, paths)
  return childKeyIn(paths[end], route[end].name)
}

type Paths = readonly Pick<EndTable, 'path'>[]

/** Routes are asked for one table after the other, and there may be thousands of either. */
const pathsOf = new WeakMap<readonly Route[], Readonly<Record<EndName, Paths>>>()
const childKeysIn = new WeakMap<Paths, ReadonlyMap<string, readonly string[]>>()

/** The columns of a table by which rows of these tables find their tenant. */
export function childKeyIn(tables: Paths, name: string): readonly string[] {
  const keys = childKeysIn.get(tables) ?? childKeysAmong(tables)
  childKeysIn.set(tables, keys)
  return keys.get(name) ?? []
}

/** Parent → its columns by which rows on these paths find their tenant. */
function childKeysAmong(tables: Paths): Map<string, readonly string[]> {
  const columns = new Map<string, Set<string>>()
  const note = (path: TenantPath) => {
    for (const { parent, parentColumns } of stepsOf(path)) {
      const own = columns.get(parent) ?? new Set()
      columns.set(parent, own)
      for (const column of parentColumns) own.add(column)
    }
    for (const other of above(path)) note(other)
  }
  for (const { path } of tables) note(path)
  return new Map([...columns].map(([parent, own]) => [parent, [...own].sort()]))
}
