/** Handlers of the operations on rows: they look names up, and query the database. */

import type { SqlEnd } from '../ends/end.ts'
import type { OperationName, RequestOf, ResultOf } from '../ends/http/protocol/operations.ts'
import type { rowOperations } from '../ends/http/protocol/row-operations.ts'
import { sideIn } from '../ends/postgres/compare/comparison.ts'
import { rowsAt } from '../ends/postgres/postgres-rows.ts'
import { wipeBatch } from '../ends/postgres/removal/wipe.ts'
import type {
  Compared,
  ComparedColumn,
  Rows,
  SettledRows,
  SharedBatch,
  SharedRow,
  Side,
} from '../ends/rows.ts'
import type { KeyList, TenantRows } from '../ends/tenant-rows.ts'
import { RehomeError } from '../errors.ts'
import type { Catalog } from '../plan/catalogs/catalog.ts'
import { referencesMaxOf } from '../plan/routing/path.ts'
import type { Route } from '../plan/routing/route.ts'
import { sharingOf } from '../plan/routing/shared-routes.ts'
import { ident } from '../quote.ts'
import { tablesOf } from './described.ts'
import { columnOf, keysOf, routeOf, sequenceOf } from './tables.ts'

export interface At {
  readonly end: SqlEnd
  readonly scope: string
  readonly routes: readonly Route[]
  /** Tables with rows of everybody. */
  readonly shared: readonly Route[]
  /** All of the end's, also of tables that are not moved. */
  readonly catalog: Catalog
  /** Tables whose rows may go on referring to rows that move away. */
  readonly left: readonly string[]
}

type Name = keyof typeof rowOperations
export type HandlersOf<N extends OperationName> = {
  readonly [K in N]: (at: At, request: RequestOf<K>) => Promise<ResultOf<K>>
}

export const rowHandlers: HandlersOf<Name> = {
  count: async (at, request) => (await rows(at).counts([rowsOf(at, request)]))[0] ?? 0,
  drain: (at, { tenant, drainMs }) =>
    rows(at).drain({
      tenant,
      drainMs,
      referencesMax: referencesMaxOf(tablesOf(at.routes)),
      signal: AbortSignal.timeout(drainMs + 5_000),
    }),
  async digest(at, request) {
    const digest = await sideOf(at, request).digest()
    return { rows: String(digest.rows), sum: String(digest.sum) }
  },
  async buckets(at, request) {
    const buckets = [...(await sideOf(at, request).buckets())]
    return buckets.map(([bucket, { rows, sum }]) => {
      return { bucket, rows: String(rows), sum: String(sum) }
    })
  },
  async hashes(at, request) {
    return [...(await sideOf(at, request).hashes(request.buckets))]
  },
  async remove(at, { tables, atOnce, mode, batchRows, ...hold }) {
    const { mayReplicate: replicate } = at.catalog
    const routes = tables.map((table) => routeOf(at.routes, table))
    const group = {
      tables: routes.map(({ source: table, sourcePath: path }) => ({ table, path })),
      atOnce,
    }
    return await wipeBatch(at.end, hold, { group, options: { mode, batchRows, replicate } })
  },
  async readProgress(at, key) {
    const tables = [...(await rows(at).readProgress(key))]
    return tables.map(([table, progress]) => ({ table, ...progress }))
  },
  readQuarantined: async (at, key) => [...(await rows(at).readQuarantined(key))],
  async forgetProgress(at, hold) {
    await rows(at).forgetProgress(hold)
    return null
  },
  async repeatedKeys(at, request) {
    const of = rowsOf(at, request)
    for (const name of request.key) columnOf(of.table, name)
    return [...(await rows(at).repeatedKeys(of, request.key))]
  },
  async isEmpty(at, { table }) {
    const { source } = routeOf(at.routes, table)
    return (await rows(at).emptyTables([source])).has(source.name)
  },
  async existingKeys(at, { table: name, key, keys }) {
    const { source: table } = routeOf(at.routes, name)
    for (const column of key) columnOf(table, column)
    const [existing = []] = await rows(at).existingKeys([{ table, key, keys }])
    return [...existing]
  },
  async brokenReferences(at, request) {
    const [broken = []] = await rows(at).brokenReferences(
      [rowsOf(at, request)],
      tablesOf(at.routes),
    )
    return broken.map(({ values, ...one }) => ({ ...one, values: [...values] }))
  },
  async differingShared(at, request) {
    return listed(await rows(at).differingShared(batchOf(at, request)))
  },
  async settleShared(at, { scope, tenant, token, ...request }) {
    return settledOf(await rows(at).settleShared({ scope, tenant, token }, batchOf(at, request)))
  },
  async strays(at, { scope, tenant }) {
    const strays = await rows(at).strays({ scope, tenant, tables: tablesOf(at.routes) })
    return strays.map(({ values, ...one }) => {
      return { ...one, values: [...values], left: at.left.includes(one.table) }
    })
  },
  async largestId(at, request) {
    const of = rowsOf(at, request)
    const { name } = columnOf(of.table, request.column)
    const { descending } = request
    const [id = null] = await rows(at).largestIds([{ rows: of, column: name, descending }])
    return id === null ? null : String(id)
  },
  async positionOf(at, { sequence }) {
    const [position] = await rows(at).positionsOf([
      sequenceOf([...at.routes, ...at.shared], sequence),
    ])
    return String(position)
  },
  async advanceSequence(at, { sequence, id }) {
    const reached = { sequence: sequenceOf([...at.routes, ...at.shared], sequence), id: BigInt(id) }
    return (await rows(at).advanceSequences([reached])).length > 0
  },
  knownTenants: async (at, { tenants }) => [
    ...(await rows(at).knownTenants(tenants, tablesOf(at.routes))),
  ],
}

function rows({ end }: At): Rows {
  return rowsAt(end)
}

interface Named {
  readonly scope: string
  readonly tenant: string
  readonly table: string
  readonly keys?: KeyList | undefined
}

function rowsOf({ routes }: At, { scope, tenant, table, keys }: Named): TenantRows {
  const { source, sourcePath } = routeOf(routes, table)
  return { scope, tenant, table: source, path: sourcePath, keys: keysOf(source, keys) }
}

function sideOf(at: At, request: RequestOf<'digest'>): Side {
  const { source: table } = routeOf(at.routes, request.table)
  const { given, tenant, keys, hash } = request
  const compare = (compared: Compared) => sideIn(at.end, compared)
  if (given !== undefined) {
    const names = request.columns.map(({ column }) => column)
    const value = (name: string) => `r.${ident(`c${names.indexOf(name)}`)}`
    return compare({ of: { table, given }, ...valuesOf(request, value), hash })
  }
  if (tenant === undefined) throw new RehomeError('USAGE', 'neither `tenant` nor `given` is there')
  const of = rowsOf(at, { scope: at.scope, tenant, table: request.table, keys })
  const value = (name: string) => `r.${ident(columnOf(table, name).name)}`
  return compare({ of, ...valuesOf(request, value), hash })
}

function valuesOf(
  { key, columns }: RequestOf<'digest'>,
  value: (name: string) => string,
): Pick<Compared, 'key' | 'columns'> {
  const compared = ({ column, type, cast }: (typeof columns)[number]): ComparedColumn => {
    return { sql: value(column), from: column, typeSql: type, cast }
  }
  return { key: key.map(compared), columns: columns.map(compared) }
}

type BatchAsked = RequestOf<'differingShared'>

/** Throws USAGE for what is not shared here, or not to be changed so. */
function batchOf({ shared, catalog }: At, request: BatchAsked): SharedBatch {
  const route = routeOf(shared, request.table)
  const { source: table } = route
  for (const column of [...request.key, ...request.columns, ...request.compared]) {
    columnOf(table, column)
  }
  const { missing, differing } = sharingOf(route)
  if (request.inserts && missing !== 'insert') throw notAllowed(table.name, `missing: 'insert'`)
  if (request.updates && differing !== 'update') throw notAllowed(table.name, `differing: 'update'`)
  const odd = request.rows.find((texts) => texts.length !== request.columns.length)
  if (odd)
    throw new RehomeError('USAGE', `a row has ${odd.length} values, not ${request.columns.length}`)
  return { ...request, table, replicate: request.replicate && catalog.mayReplicate }
}

function notAllowed(table: string, option: string): RehomeError {
  const message = `shared table "${table}": the plan has \`${option}\`, and this end does not allow it`
  return new RehomeError('USAGE', message)
}

function settledOf({
  missing,
  differing,
  broken,
  ...counts
}: SettledRows): ResultOf<'settleShared'> {
  return {
    ...counts,
    missing: [...missing],
    broken: [...broken],
    differing: listed(differing),
  }
}

function listed(rows: readonly SharedRow[]): ResultOf<'differingShared'> {
  return rows.map(({ key, columns }) => ({ key, columns: [...columns] }))
}
