/** This end's description of itself: its tables, their tenants' columns, and missing guards. */
import type { DescriptionInput } from '../ends/http/protocol/description.ts'
import { protocolName } from '../ends/http/protocol/description.ts'
import { readCatalog } from '../ends/postgres/catalog/read-catalog.ts'
import { findUnindexed } from '../ends/postgres/catalog/rows-without-tenant.ts'
import { guardedTables } from '../ends/postgres/changes/logged-tables.ts'
import { missingGuards } from '../ends/postgres/fence/guard-sql.ts'
import type { MissingGuard } from '../ends/postgres/fence/install-guard.ts'
import { RehomeError } from '../errors.ts'
import type { Catalog, Finding, Unindexed } from '../plan/catalogs/catalog.ts'
import { dependentFindings } from '../plan/catalogs/dependents.ts'
import type { Plan } from '../plan/plan.ts'
import type { EndTable, Route } from '../plan/routing/route.ts'
import { routeTables } from '../plan/routing/routes.ts'
import { sharingOf } from '../plan/routing/shared-routes.ts'
import { tablesLeft } from '../plan/routing/tables.ts'
import { isShared } from '../plan/routing/ways.ts'
import type { Pool } from '../postgres.ts'

export interface Described {
  readonly feed: boolean
  /** The limit of a request. */
  readonly maxBytes: number
  readonly catalog: Catalog
  /** Tables whose rows may go on referring to rows that move away. */
  readonly left: readonly string[]
  /** A table's own: from here to here. */
  readonly routes: readonly Route[]
  /** Routes of tables with rows of everybody. */
  readonly shared: readonly Route[]
  readonly findings: readonly Finding[]
  /** Columns that rows are found by. They are slow without an index, and right. */
  readonly unindexed: readonly Unindexed[]
  /** Statements that would install the missing guards. */
  readonly guards: readonly (MissingGuard & { readonly relation: string })[]
}

/** `plan`: from this end to itself. */
export async function describe(
  plan: Plan,
  pool: Pool,
  { schema, ...options }: Pick<Described, 'feed' | 'maxBytes'> & { readonly schema: string },
): Promise<Described> {
  const catalog = await readCatalog(pool, { schema }, [])
  const routing = routeTables(plan, catalog, catalog)
  const { routes, shared, findings, sources: tables } = routing
  const left = tablesLeft(plan)
  const dependents = dependentFindings({
    where: 'this end:',
    schema,
    mode: { replicate: catalog.mayReplicate },
    tables,
    left,
    shared: shared.map(({ source }) => source.name),
    events: ['INSERT', 'UPDATE', 'DELETE'],
  })
  // Old rows whole: what becomes of them elsewhere is not known here.
  const guarded = guardedTables(plan, routing, { name: 'source', schema }).map((one) => {
    return { ...one, log: options.feed && one.log ? { ...one.log, whole: true } : null }
  })
  return {
    ...options,
    catalog,
    left,
    routes,
    shared,
    findings: [...findings, ...[...routes, ...shared].flatMap(keyFindings), ...dependents],
    unindexed: await findUnindexed(pool, { schema, tables: tablesOf(routes) }),
    guards: guarded.flatMap((one) =>
      missingGuards(one).map((missing) => ({ guarded: one, ...missing })),
    ),
  }
}

/**
 * Findings about keys: pages follow the key, so that no row may be passed over for a key that it
 * shares or lacks.
 */
function keyFindings({ source, sourceKey }: Route): Finding[] {
  const where = `table "${source.name}"`
  const hasUnique = source.uniques.some((unique) =>
    unique.columns.every((c) => sourceKey.includes(c)),
  )
  const nullable = sourceKey.find(
    (name) => !source.columns.some((column) => column.name === name && column.notNull),
  )
  return [
    ...(hasUnique ? [] : [{ where, message: `key (${sourceKey.join(', ')}) has no unique index` }]),
    ...(nullable === undefined ? [] : [{ where, message: `key "${nullable}" may be null` }]),
  ]
}

/** Throws PREFLIGHT_FAILED where the tables are not what the application declared. */
export function descriptionOf({
  feed,
  maxBytes,
  catalog,
  routes,
  shared,
  findings,
  unindexed,
  guards,
}: Described): DescriptionInput {
  refuseFound(findings)
  const { database, schema, stamp, serverVersion, encoding, mayReplicate } = catalog
  return {
    protocol: protocolName,
    enforcement: 'database',
    tellsStrays: true,
    feed,
    database,
    schema,
    stamp,
    serverVersion,
    encoding,
    mayReplicate,
    digestProbes: catalog.digestProbes,
    foreignSettings: [...catalog.foreignSettings],
    ...(catalog.moneyDigits !== undefined && { moneyDigits: catalog.moneyDigits }),
    maxBytes,
    unindexed: unindexed.map(({ table, columns }) => ({ table, columns: [...columns] })),
    unguarded: guards.map(({ relation }) => relation),
    // What it holds beside those is of no use elsewhere.
    tables: [...routes, ...shared].map((route) => tableOf(route)) as DescriptionInput['tables'],
  }
}

/** Throws PREFLIGHT_FAILED where there are some. */
export function refuseFound(findings: readonly Finding[]): void {
  const [first] = findings
  if (!first) return
  const more = findings.length > 1 ? ` (and ${findings.length - 1} more)` : ''
  const message = `${first.where}: ${first.message}${more}`
  throw new RehomeError('PREFLIGHT_FAILED', message, { data: { findings } })
}

export function tablesOf(routes: readonly Route[]): EndTable[] {
  return routes.map(({ source, sourcePath }) => ({ table: source, path: sourcePath }))
}

function tableOf(route: Route): unknown {
  const { source, sourcePath, sourceKey, plan } = route
  const { triggers, partitions, partitionColumns, uniques, ...rest } = source
  const { references, partitionKeys, reactions, demands, ...table } = rest
  const primary = uniques.some((unique) => unique.primary)
  const key = { name: 'the key of this end', columns: sourceKey, primary: true }
  const columns = table.columns.map(({ castsToJson, ...column }) => column)
  const { missing, differing } = sharingOf(route)
  const everybodys = isShared(plan) ? { shared: { missing, differing } } : {}
  const keyed = { path: sourcePath, uniques: primary ? uniques : [...uniques, key] }
  return { ...table, columns, ...keyed, ...everybodys }
}
