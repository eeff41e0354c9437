/**
 * What the two databases say today, brought together with the plan: read anew for every attempt,
 * and once more before the cutover, so that a schema changed halfway is seen. Changes nothing.
 */
import { createHash } from 'node:crypto'
import type { LogShape } from '../endpoints/sql/change-log.ts'
import type { ChangedTable } from '../endpoints/sql/changes.ts'
import { type HashFunction, hashFunctions } from '../endpoints/sql/digest.ts'
import type { SqlEnd } from '../endpoints/sql/end.ts'
import { type Guarded, missingGuards } from '../endpoints/sql/guard-sql.ts'
import { readCatalog } from '../endpoints/sql/read-catalog.ts'
import type { Catalog, CatalogTable, Finding } from '../plan/catalog.ts'
import { keptOf } from '../plan/identity.ts'
import type { Plan } from '../plan/plan.ts'
import { type Route, type Routing, routeTables } from '../plan/routes.ts'
import { hopsOf, type TenantPath } from '../plan/tenant-path.ts'
import { explain, noPooler } from '../postgres.ts'

export interface Survey extends Routing {
  readonly source: Catalog
  readonly target: Catalog
  readonly hash: HashFunction
  /** The copy may run with foreign keys and triggers off; they are checked together afterwards. */
  readonly replicate: boolean
  /** The tables that have to have guards, at both ends. */
  readonly guarded: readonly GuardedAt[]
  /** Relations among them that have no sound one. */
  readonly unguarded: readonly Unguarded[]
  /** Changes where anything changes that a move relies on. */
  readonly fingerprint: string
}

type EndName = 'source' | 'target'

export interface GuardedAt extends Guarded {
  readonly end: SqlEnd
}

export interface Unguarded {
  readonly end: SqlEnd
  readonly relation: string
  /** What installs its guard. */
  readonly statements: readonly string[]
}

export async function survey(
  plan: Plan,
  ends: { source: SqlEnd; target: SqlEnd },
): Promise<Survey> {
  const planned = plan.tables.filter((entry) => entry.kind === 'table')
  const read = (end: SqlEnd, tables: typeof planned) =>
    readCatalog(end.pool, end.schema, tables).catch((error: unknown) => {
      throw explain(error, `the ${end.name} (${end.place})`)
    })
  const [source, target] = await Promise.all([read(ends.source, planned), read(ends.target, [])])
  const routing = routeTables(plan, source, target)
  const { strategy } = plan
  const guarded = [
    ...guardedTables(plan, routing.routes, { end: ends.source, catalog: source }),
    ...guardedTables(plan, routing.routes, { end: ends.target, catalog: target }),
  ]
  const unguarded = guarded.flatMap((one) =>
    missingGuards(one).map((missing) => ({ end: one.end, ...missing })),
  )
  return {
    ...routing,
    findings: [...routing.findings, ...serverFindings(source, target, { routing, strategy })],
    source,
    target,
    hash: hashFunctions.find((name) => agree(source, target, name)) ?? 'md5',
    replicate: target.mayReplicate,
    guarded,
    unguarded,
    fingerprint: fingerprintOf([source, target]),
  }
}

function agree(source: Catalog, target: Catalog, name: HashFunction): boolean {
  const found = source.digestProbes[name]
  return found !== undefined && found === target.digestProbes[name]
}

function guardedTables(
  { scope, strategy }: Plan,
  routes: readonly Route[],
  { end, catalog }: { end: SqlEnd; catalog: Catalog },
): GuardedAt[] {
  const captures = strategy === 'online' && end.name === 'source'
  return routes.map((route) => ({
    end,
    schema: catalog.schema,
    table: route[end.name],
    path: pathAt(route, end.name),
    scope,
    childKey: childKeyOf(route, routes, end.name),
    log: captures ? logShapeOf(route, routes) : null,
  }))
}

/** The plan's tables, those before whose rows hang on theirs. */
export function changedTables(scope: string, { routes, source }: Survey): ChangedTable[] {
  const tables = routes.map((route) => ({
    route,
    childKey: {
      source: childKeyOf(route, routes, 'source'),
      target: childKeyOf(route, routes, 'target'),
    },
    log: {
      ...{ scope, schema: source.schema, table: route.source.name },
      log: logShapeOf(route, routes),
    },
  }))
  return tables.toSorted((a, b) => hopsOf(a.route.sourcePath) - hopsOf(b.route.sourcePath))
}

/** What is logged of this table's rows at the source. */
function logShapeOf(route: Route, routes: readonly Route[]): LogShape {
  const childKey = {
    source: childKeyOf(route, routes, 'source'),
    target: childKeyOf(route, routes, 'target'),
  }
  const kept = keptOf(route, childKey)
  const columns = kept.columns.map((name) => {
    const column = route.source.columns.find((candidate) => candidate.name === name)
    return { name, typeSql: column?.typeSql ?? 'pg_catalog.text' }
  })
  return { columns, whole: kept.whole }
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

function serverFindings(
  source: Catalog,
  target: Catalog,
  { routing, strategy }: { routing: Routing; strategy: Plan['strategy'] },
): Finding[] {
  const findings: Finding[] = []
  if (source.database === target.database) {
    const message = "is the source's database, and a tenant has one flag there: take another one"
    findings.push({ where: 'target', message })
  }
  for (const [where, catalog] of [
    ['source', source],
    ['target', target],
  ] as const) {
    const { serverVersion, encoding, foreignSettings: settings } = catalog
    if (settings.length > 0) {
      const message = `our session settings do not arrive (${settings.join(', ')}): ${noPooler}`
      findings.push({ where, message })
    }
    if (serverVersion < 130000) {
      findings.push({ where, message: `PostgreSQL ${serverVersion} is older than 13` })
    }
    if (encoding !== 'UTF8') {
      findings.push({
        where,
        message: `its encoding is ${encoding}; only UTF8 is compared exactly`,
      })
    }
  }
  for (const route of routing.routes) {
    findings.push(...privilegeFindings('source', route.source, ['SELECT']))
    findings.push(...privilegeFindings('target', route.target, ['SELECT', 'INSERT', 'DELETE']))
  }
  if (strategy === 'online') findings.push(...onlineFindings(target, routing))
  if (!target.mayReplicate && routing.cycle.length > 0) {
    const names = routing.cycle.map((name) => `"${name}"`).join(' → ')
    const message = `foreign keys form a circle: grant set on parameter session_replication_role`
    findings.push({ where: `target ${names}`, message })
  }
  return findings
}

/** Changed rows are replaced while others stay that refer to them, and are found by their keys. */
function onlineFindings(target: Catalog, { routes }: Routing): Finding[] {
  const findings: Finding[] = []
  if (!target.mayReplicate) {
    const message =
      'an online move needs `grant set on parameter session_replication_role` for our role'
    findings.push({ where: 'target', message })
  }
  for (const route of routes) {
    findings.push(...keyFindings('source', route.source, route.sourceKey))
    findings.push(...keyFindings('target', route.target, route.targetKey))
    const { target: table, targetKey, columns, transform } = route
    const where = `target table "${table.name}"`
    const reading = Object.entries(route.plan.columns.compute).find(([, { sql }]) =>
      /\bselect\b/i.test(sql),
    )
    if (reading) {
      const message = `online, \`columns.compute\` of "${reading[0]}" may read nothing but its row`
      findings.push({ where: `table "${route.source.name}"`, message })
    }
    const json = route.source.columns.find(({ typeName }) => /^_?json$/.test(typeName))
    if (json && logShapeOf(route, routes).whole) {
      const message = `online, old rows are logged as jsonb, which cannot hold all that column "${json.name}" of type json can`
      findings.push({ where: `source table "${route.source.name}"`, message })
    }
    const unfilled = targetKey.find((name) => !columns.some((column) => column.name === name))
    if (!transform && unfilled !== undefined) {
      const message = `an online move finds rows by "${unfilled}", which the plan does not fill`
      findings.push({ where, message })
    }
  }
  return findings
}

function keyFindings(end: EndName, table: CatalogTable, key: readonly string[]): Finding[] {
  const where = `${end} table "${table.name}"`
  const findings: Finding[] = []
  if (!table.uniques.some((unique) => unique.columns.every((name) => key.includes(name)))) {
    const message = `an online move finds rows by (${key.join(', ')}), which no unique index has`
    findings.push({ where, message })
  }
  const nullable = key.find((name) => !table.columns.some((c) => c.name === name && c.notNull))
  if (nullable !== undefined) {
    const message = `an online move finds rows by "${nullable}", which may be null`
    findings.push({ where, message })
  }
  return findings
}

function privilegeFindings(
  end: 'source' | 'target',
  table: CatalogTable,
  needed: readonly string[],
): Finding[] {
  const where = `${end} table "${table.name}"`
  const missing = needed.filter((privilege) => !table.privileges.includes(privilege))
  const findings = missing.map((privilege) => ({
    where,
    message: `our role has no ${privilege} privilege`,
  }))
  if (table.rowSecurity) {
    const message =
      "row security would hide rows from our role or the guards' owner: BYPASSRLS them"
    findings.push({ where, message })
  }
  if (table.unguardable.length > 0) {
    const others = table.unguardable.join(', ')
    const message = `shares rows with ${others}, which no guard covers: only partitions in its schema are`
    findings.push({ where, message })
  }
  if (table.subscribed) {
    findings.push({ where, message: 'a subscription writes here, past every statement trigger' })
  }
  return findings
}

function fingerprintOf(catalogs: readonly Catalog[]): string {
  const text = JSON.stringify(catalogs.map((catalog) => [...catalog.tables.values()]))
  return createHash('sha256').update(text).digest('hex')
}

/** The catalogue alone of both ends, to see whether anything changed meanwhile. */
export async function fingerprintNow(ends: { source: SqlEnd; target: SqlEnd }): Promise<string> {
  const read = (end: SqlEnd) => readCatalog(end.pool, end.schema, [])
  return fingerprintOf(await Promise.all([read(ends.source), read(ends.target)]))
}
