/** Findings about a plan at its two servers. Pure. */

import { logShapeOf } from '../ends/postgres/changes/logged-tables.ts'
import type { Catalog, CatalogTable, Finding } from '../plan/catalogs/catalog.ts'
import { hasNewIds } from '../plan/new-ids.ts'
import type { Plan } from '../plan/plan.ts'
import type { Route } from '../plan/routing/route.ts'
import type { Routing } from '../plan/routing/routes.ts'
import { columnsLeft, wayBack } from '../plan/routing/way-back.ts'
import { noPooler } from '../postgres.ts'
import { firingAtEnds } from './firing.ts'
import { httpFindings } from './http-findings.ts'
import { modelFindings } from './model-findings.ts'
import { moneyFindings } from './money-findings.ts'
import { referenceFindings } from './reference-findings.ts'

type EndName = 'source' | 'target'

interface Catalogs {
  readonly source: Catalog
  readonly target: Catalog
}

export function serverFindings(
  plan: Plan,
  routing: Routing,
  { source, target }: Catalogs,
): Finding[] {
  const { strategy, rollback } = plan
  const findings: Finding[] = []
  findings.push(...sharedFindings(plan, routing, { source, target }))
  for (const [where, catalog] of [
    ['source', source],
    ['target', target],
  ] as const) {
    const { serverVersion, encoding, foreignSettings: settings, enforcement } = catalog
    if (settings.length > 0) {
      const message = `our session settings do not arrive (${settings.join(', ')}): ${noPooler}`
      findings.push({ where, message })
    }
    if (serverVersion < 130000 && enforcement === undefined) {
      findings.push({ where, message: `PostgreSQL ${serverVersion} is older than 13` })
    }
    if (encoding !== 'UTF8') {
      findings.push({
        where,
        message: `its encoding is ${encoding}; only UTF8 is compared exactly`,
      })
    }
  }
  for (const { table } of routing.sources) {
    findings.push(...privilegeFindings('source', table, ['SELECT']))
  }
  for (const { table } of routing.targets) {
    findings.push(...privilegeFindings('target', table, ['SELECT', 'INSERT', 'DELETE']))
  }
  findings.push(...httpFindings(plan, routing, { source, target }))
  findings.push(...modelFindings(plan, routing))
  findings.push(...referenceFindings(routing))
  findings.push(...moneyFindings(routing, { source, target }))
  findings.push(...firingAtEnds(plan, routing, { source, target }))
  const asked = [plan.source, plan.target].some(({ kind }) => kind !== 'sql')
  const catalogs = { source, target, asked }
  if (strategy === 'online') findings.push(...onlineFindings(routing, catalogs))
  if (rollback.windowMs > 0) findings.push(...backFindings(routing, catalogs))
  if (!target.mayReplicate && routing.cycle.length > 0) {
    const names = routing.cycle.map((name) => `"${name}"`).join(' → ')
    const message = `foreign keys form a circle: grant set on parameter session_replication_role`
    findings.push({ where: `target ${names}`, message })
  }
  return findings
}

/** Both models in one database: flags, guards and tables have to be apart. */
function sharedFindings(plan: Plan, routing: Routing, { source, target }: Catalogs): Finding[] {
  const shared = source.database === target.database
  const apart = plan.scope !== plan.targetScope
  if (!shared) {
    const message =
      'needs both models in one database, but source and target are different databases'
    return apart ? [{ where: '`targetScope`', message }] : []
  }
  const findings: Finding[] = []
  if (!apart) {
    const message =
      "is the source's database: name the target's model with a `targetScope` of its own"
    findings.push({ where: 'target', message })
  }
  if (plan.strategy === 'online' || plan.rollback.windowMs > 0) {
    const message = 'changes are not followed within one database: move offline, without a window'
    findings.push({ where: 'target', message })
  }
  const own = source.schema === target.schema ? routing.sources : []
  for (const { table } of own) {
    if (!routing.targets.some((other) => other.table.name === table.name)) continue
    findings.push({ where: `table "${table.name}"`, message: 'is the same table at both ends' })
  }
  return findings
}

interface Asked extends Catalogs {
  /** An end is reached over HTTP, where old rows are always logged whole. */
  readonly asked: boolean
}

/** Changed rows are replaced while others stay that refer to them, and are found by their keys. */
function onlineFindings({ routes }: Routing, { target, asked }: Asked): Finding[] {
  const findings: Finding[] = []
  if (!target.mayReplicate) findings.push(cannotReplicate('target', 'an online move'))
  for (const route of routes) {
    const { source, plan } = route
    const where = `table "${source.name}"`
    const only = (what: string) => findings.push({ where, message: `${what} is for offline moves` })
    if (hasNewIds(route)) only('`newIds`')
    if (plan.quarantine) only('`quarantine`')
  }
  for (const { stream } of routes) {
    if (!stream) continue
    const message =
      'has no log of changes: online moves support tables only, offline moves also streams'
    findings.push({ where: `stream "${stream.name}"`, message })
  }
  for (const route of routes) {
    const reading = Object.entries(route.plan.columns.compute).find(([, { sql }]) =>
      /\bselect\b/i.test(sql),
    )
    if (reading) {
      const message = `online, \`columns.compute\` of "${reading[0]}" may read nothing but its row`
      findings.push({ where: `table "${route.source.name}"`, message })
    }
    const unfilled = route.targetKey.find((name) => !route.columns.some((c) => c.name === name))
    if (!route.transform && unfilled !== undefined) {
      const message = `an online move finds rows by "${unfilled}", which the plan does not fill`
      findings.push({ where: `target table "${route.target.name}"`, message })
    }
    findings.push(...keyFindings('source', route.source, route.sourceKey))
    findings.push(...keyFindings('target', route.target, route.targetKey))
    findings.push(...jsonFindings('source', route, asked || logShapeOf(route, routes).whole))
  }
  return findings
}

/**
 * Findings about the way back. Writes at the target go back by the same means; what cannot go back
 * needs none.
 */
function backFindings({ routes }: Routing, { source, asked }: Asked): Finding[] {
  const all = routes.map(wayBack)
  const back = all.filter((route) => !route.blocked)
  const findings: Finding[] = []
  if (back.length > 0 && !source.mayReplicate) {
    findings.push(cannotReplicate('source', 'a rollback that keeps writes'))
  }
  for (const route of back) {
    const update = columnsLeft(route).length > 0 ? ['UPDATE'] : []
    findings.push(...privilegesMissing('source', route.target, ['INSERT', 'DELETE', ...update]))
    findings.push(...keyFindings('target', route.source, route.sourceKey))
    findings.push(...keyFindings('source', route.target, route.targetKey))
    findings.push(...jsonFindings('target', route, asked || logShapeOf(route, all).whole))
  }
  const instead = 'or say `rollback: { windowMs: 0 }`'
  return findings.map(({ where, message }) => ({ where, message: `${message}; ${instead}` }))
}

function cannotReplicate(where: EndName, what: string): Finding {
  const grant = '`grant set on parameter session_replication_role`'
  return { where, message: `${what} needs ${grant} for our role` }
}

/** `whole`: old rows are logged with all that is in them. */
function jsonFindings(end: EndName, route: Route, whole: boolean): Finding[] {
  const json = route.source.columns.find(({ typeName }) => /^_?json$/.test(typeName))
  if (!json || !whole) return []
  const message = `old rows are logged as jsonb, which cannot hold all that column "${json.name}" of type json can`
  return [{ where: `${end} table "${route.source.name}"`, message }]
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
  const findings = privilegesMissing(end, table, needed)
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

function privilegesMissing(
  end: EndName,
  table: CatalogTable,
  needed: readonly string[],
): Finding[] {
  return needed
    .filter((privilege) => !table.privileges.includes(privilege))
    .map((privilege) => ({
      where: `${end} table "${table.name}"`,
      message: `our role has no ${privilege} privilege`,
    }))
}
