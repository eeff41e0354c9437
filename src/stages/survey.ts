/**
 * What the two databases say today, brought together with the plan: read anew for every attempt,
 * and once more before the cutover, so that a schema changed halfway is seen. Changes nothing.
 */
import { createHash } from 'node:crypto'
import { type HashFunction, hashFunctions } from '../endpoints/sql/digest.ts'
import type { SqlEnd } from '../endpoints/sql/end.ts'
import { type Guarded, missingGuards } from '../endpoints/sql/guard-sql.ts'
import { readCatalog } from '../endpoints/sql/read-catalog.ts'
import type { Catalog, CatalogTable, Finding } from '../plan/catalog.ts'
import type { Plan } from '../plan/plan.ts'
import { type Route, type Routing, routeTables } from '../plan/routes.ts'
import type { TenantPath } from '../plan/tenant-path.ts'
import { explain, noPooler } from '../postgres.ts'

export interface Survey extends Routing {
  readonly source: Catalog
  readonly target: Catalog
  readonly hash: HashFunction
  /** The copy may run with foreign keys and triggers off; they are checked together afterwards. */
  readonly replicate: boolean
  /** Relations without a sound guard, at either end. */
  readonly unguarded: readonly { end: SqlEnd; relation: string; statements: string[] }[]
  /** Changes where anything changes that a move relies on. */
  readonly fingerprint: string
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
  const guards = [
    ...guardedTables(plan.scope, routing.routes, 'source', source),
    ...guardedTables(plan.scope, routing.routes, 'target', target),
  ]
  const unguarded = guards.flatMap(({ end, ...guarded }) =>
    missingGuards(guarded).map((missing) => ({ end: ends[end], ...missing })),
  )
  return {
    ...routing,
    findings: [...routing.findings, ...serverFindings(source, target, routing)],
    source,
    target,
    hash: hashFunctions.find((name) => agree(source, target, name)) ?? 'md5',
    replicate: target.mayReplicate,
    unguarded,
    fingerprint: fingerprintOf([source, target]),
  }
}

function agree(source: Catalog, target: Catalog, name: HashFunction): boolean {
  const found = source.digestProbes[name]
  return found !== undefined && found === target.digestProbes[name]
}

function guardedTables(
  scope: string,
  routes: readonly Route[],
  end: 'source' | 'target',
  catalog: Catalog,
): (Guarded & { end: 'source' | 'target' })[] {
  const pathOf = (route: Route): TenantPath =>
    end === 'source' ? route.sourcePath : route.targetPath
  return routes.map((route) => ({
    end,
    schema: catalog.schema,
    table: route[end],
    path: pathOf(route),
    scope,
    childKey: [...new Set(routes.flatMap((other) => keyOf(pathOf(other), route[end].name)))].sort(),
  }))
}

/** The columns of `parent` by which rows on this path find their tenant. */
function keyOf(path: TenantPath, parent: string): readonly string[] {
  if (path.kind === 'column') return []
  return path.parent === parent ? path.parentColumns : keyOf(path.path, parent)
}

function serverFindings(source: Catalog, target: Catalog, routing: Routing): Finding[] {
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
  if (!target.mayReplicate && routing.cycle.length > 0) {
    const names = routing.cycle.map((name) => `"${name}"`).join(' → ')
    const message = `foreign keys form a circle: grant set on parameter session_replication_role`
    findings.push({ where: `target ${names}`, message })
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
