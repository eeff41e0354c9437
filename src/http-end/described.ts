/** This end's description of itself: its tables, their tenants' columns, and missing guards. */
import type { DescriptionInput } from '../ends/http/protocol/description.ts'
import { protocolName } from '../ends/http/protocol/description.ts'
import { readCatalog } from '../ends/postgres/catalog/read-catalog.ts'
import { guardedTables } from '../ends/postgres/changes/logged-tables.ts'
import { missingGuards } from '../ends/postgres/fence/guard-sql.ts'
import { RehomeError } from '../errors.ts'
import type { Catalog, Finding } from '../plan/catalogs/catalog.ts'
import { dependentFindings } from '../plan/catalogs/dependents.ts'
import type { Plan } from '../plan/plan.ts'
import { hasSeveralWays } from '../plan/routing/path.ts'
import type { Route } from '../plan/routing/route.ts'
import { routeTables } from '../plan/routing/routes.ts'
import { tablesLeft } from '../plan/routing/tables.ts'
import type { Pool } from '../postgres.ts'

export interface Described {
  readonly feed: boolean
  readonly catalog: Catalog
  /** Tables whose rows may go on referring to rows that move away. */
  readonly left: readonly string[]
  /** A table's own: from here to here. */
  readonly routes: readonly Route[]
  readonly findings: readonly Finding[]
  /** Statements that would install the missing guards. */
  readonly guards: readonly { readonly relation: string; readonly statements: readonly string[] }[]
}

/** `plan`: from this end to itself. */
export async function describe(
  plan: Plan,
  pool: Pool,
  { schema, feed }: { readonly schema: string; readonly feed: boolean },
): Promise<Described> {
  const catalog = await readCatalog(pool, { schema }, [])
  const routing = routeTables(plan, catalog, catalog)
  const { routes, findings, sources: tables } = routing
  const left = tablesLeft(plan)
  const dependents = dependentFindings({
    ...{ where: 'this end:', schema, mode: { replicate: catalog.mayReplicate }, tables, left },
    events: ['INSERT', 'UPDATE', 'DELETE'],
  })
  // Old rows whole: what becomes of them elsewhere is not known here.
  const guarded = guardedTables(plan, routing, { name: 'source', schema }).map((one) => {
    return { ...one, log: feed && one.log ? { ...one.log, whole: true } : null }
  })
  return {
    feed,
    catalog,
    left,
    routes,
    findings: [...findings, ...routes.flatMap(keyFindings), ...dependents],
    guards: guarded.flatMap((one) => missingGuards(one)),
  }
}

/**
 * Findings about keys: pages follow the key, so that no row may be passed over for a key that it
 * shares or lacks.
 */
function keyFindings({ source, sourceKey, sourcePath }: Route): Finding[] {
  const where = `table "${source.name}"`
  if (hasSeveralWays(sourcePath)) {
    const message = 'finds its tenant by one of several ways, which needs databases at both ends'
    return [{ where, message }]
  }
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

/** Throws PREFLIGHT_FAILED where the tables are not what the application said. */
export function descriptionOf({
  feed,
  catalog,
  routes,
  findings,
  guards,
}: Described): DescriptionInput {
  const [first] = findings
  if (first) {
    const more = findings.length > 1 ? ` (and ${findings.length - 1} more)` : ''
    const message = `${first.where}: ${first.message}${more}`
    throw new RehomeError('PREFLIGHT_FAILED', message, { data: { findings } })
  }
  const { database, schema, stamp, serverVersion, encoding, mayReplicate } = catalog
  return {
    protocol: protocolName,
    enforcement: 'database',
    tellsStrays: true,
    feed,
    ...{ database, schema, stamp, serverVersion, encoding, mayReplicate },
    digestProbes: catalog.digestProbes,
    foreignSettings: [...catalog.foreignSettings],
    ...(catalog.moneyDigits !== undefined && { moneyDigits: catalog.moneyDigits }),
    unguarded: guards.map(({ relation }) => relation),
    // What it holds beside those is of no use elsewhere.
    tables: routes.map((route) => tableOf(route)) as DescriptionInput['tables'],
  }
}

function tableOf({ source, sourcePath, sourceKey }: Route): unknown {
  const { triggers, partitions, partitionColumns, uniques, ...rest } = source
  const { references, partitionKeys, reactions, demands, ...table } = rest
  const primary = uniques.some((unique) => unique.primary)
  const key = { name: 'the key of this end', columns: sourceKey, primary: true }
  const columns = table.columns.map(({ castsToJson, ...column }) => column)
  return { ...table, columns, path: sourcePath, uniques: primary ? uniques : [...uniques, key] }
}
