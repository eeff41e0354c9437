/** Which tables have a log of changes, and what stands in it. Pure. */

import type { Catalog } from '../../plan/catalog.ts'
import { keptOf } from '../../plan/identity.ts'
import { hopsOf, type TenantPath } from '../../plan/path.ts'
import type { Plan } from '../../plan/plan.ts'
import type { Route } from '../../plan/routes.ts'
import { wayBack } from '../../plan/way-back.ts'
import type { LogShape } from './change-log.ts'
import type { ChangedTable } from './changes.ts'
import type { Guarded } from './guard-sql.ts'

type EndName = 'source' | 'target'

/** The plan's tables at one end, with what their guards log there. */
export function guardedTables(
  { scope, strategy, rollback }: Pick<Plan, 'scope' | 'strategy' | 'rollback'>,
  routes: readonly Route[],
  { name: end, schema }: { readonly name: EndName; readonly schema: string },
): Guarded[] {
  const logs = end === 'source' ? strategy === 'online' : rollback.windowMs > 0
  const leaving = end === 'source' ? routes : routes.map(wayBack)
  return routes.map((route, i) => ({
    schema,
    table: route[end],
    path: pathAt(route, end),
    scope,
    childKey: childKeyOf(route, routes, end),
    log: logs ? logShapeOf(leaving[i] as Route, leaving) : null,
  }))
}

/** The plan's tables, those before whose rows hang on theirs. */
export function changedTables(
  scope: string,
  { routes, source }: { readonly routes: readonly Route[]; readonly source: Catalog },
): ChangedTable[] {
  const tables = routes.map((route) => ({
    route,
    childKey: childKeysOf(route, routes),
    log: {
      ...{ scope, schema: source.schema, table: route.source.name },
      log: logShapeOf(route, routes),
    },
  }))
  return tables.toSorted((a, b) => hopsOf(a.route.sourcePath) - hopsOf(b.route.sourcePath))
}

/** What is logged of this table's rows at the source. */
export function logShapeOf(route: Route, routes: readonly Route[]): LogShape {
  const childKey = childKeysOf(route, routes)
  const kept = route.blocked ? countedOf(route, childKey) : keptOf(route, childKey)
  const columns = kept.columns.map((name) => {
    const column = route.source.columns.find((candidate) => candidate.name === name)
    return { name, typeSql: column?.typeSql ?? 'pg_catalog.text' }
  })
  return { columns, whole: kept.whole }
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
  const names = routes.flatMap((other) => keyOf(pathAt(other, end), route[end].name))
  return [...new Set(names)].sort()
}

function pathAt(route: Route, end: EndName): TenantPath {
  return end === 'source' ? route.sourcePath : route.targetPath
}

/** The columns of `parent` by which rows on this path find their tenant. */
function keyOf(path: TenantPath, parent: string): readonly string[] {
  if (path.kind === 'column') return []
  return path.parent === parent ? path.parentColumns : keyOf(path.path, parent)
}
