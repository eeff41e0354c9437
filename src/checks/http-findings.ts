/**
 * Limits of an end that is reached over HTTP: what it cannot do, and what it cannot prove. Pure.
 */

import { type HashFunction, hashFunctions } from '../ends/digest.ts'
import { md5Probe } from '../ends/read-digest.ts'
import type { Catalog, Finding } from '../plan/catalogs/catalog.ts'
import { hasNewIds } from '../plan/new-ids.ts'
import type { Plan } from '../plan/plan.ts'
import {
  hasSeveralWays,
  hopsOf,
  isOwn,
  isUndeclared,
  type TenantPath,
} from '../plan/routing/path.ts'
import type { Route } from '../plan/routing/route.ts'
import { columnsLeft, wayBack } from '../plan/routing/way-back.ts'
import type { Checked } from './check.ts'

type EndName = 'source' | 'target'

/** The quickest of which both ends are capable, with equal results. */
export function commonHash(source: Catalog, target: Catalog): HashFunction | undefined {
  return hashFunctions.find((name) => {
    const probe = source.digestProbes[name]
    return probe !== undefined && probe === target.digestProbes[name]
  })
}

/** Features that an end over HTTP cannot have. */
export function httpFindings({ plan, routing: { routes }, source, target }: Checked): Finding[] {
  const findings: Finding[] = []
  const overHttp = (['source', 'target'] as const).filter((end) => plan[end].kind !== 'sql')
  const catalogs = { source, target }
  for (const where of overHttp) {
    if (catalogs[where].feed) continue
    const unlogged = 'is reached over HTTP and offers no feed of changes'
    if (plan.strategy === 'online') findings.push({ where, message: `${unlogged}: move offline` })
    if (plan.rollback.windowMs > 0) {
      findings.push({ where, message: `${unlogged}: set \`rollback: { windowMs: 0 }\`` })
    }
  }
  for (const route of overHttp.includes('source') ? routes : []) {
    const computed = route.columns.find((column) => column.from === null)
    if (!computed) continue
    const message = `\`columns.compute\` of "${computed.name}" is SQL, which a source over HTTP does not run: use a transform`
    findings.push({ where: `table "${route.source.name}"`, message })
  }
  findings.push(
    ...sqlFindings(plan, overHttp),
    ...routes.flatMap((route) => orderFindings(plan, route)),
  )
  if (overHttp.length > 0) findings.push(...feedFindings(plan, routes))
  findings.push(...apiFindings(plan, routes))
  if (overHttp.length > 0 && !commonHash(source, target)) {
    const message = 'has no hash function in common with the other end: rows could not be compared'
    findings.push({ where: overHttp[0] ?? 'source', message })
  }
  return findings
}

/** Abilities of an end that promises depend on: see `End`. */
interface Abilities {
  readonly sql?: unknown
  readonly digests?: unknown
}

/** Promises that are not kept where the database itself does not see to it; told, not refused. */
export function unprovenOf(
  survey: { readonly source: Catalog; readonly target: Catalog },
  ends: { readonly source: Abilities; readonly target: Abilities },
): Finding[] {
  return (['source', 'target'] as const).flatMap((end) => unprovenAt(end, survey[end], ends[end]))
}

/** The comparison reads rows in the same way as the copy, and nothing else lists them. */
function readUnchecked({ sql, digests }: Abilities, probes: Catalog['digestProbes']): boolean {
  return !digests || (!sql && probes.md5 !== md5Probe)
}

/** The end finds rows that refer to a tenant's and that the plan's paths do not reach. */
export function tellsStrays({ sql }: Abilities, catalog: Pick<Catalog, 'tellsStrays'>): boolean {
  return sql !== undefined || catalog.tellsStrays === true
}

function unprovenAt(end: EndName, catalog: Catalog, able: Abilities): Finding[] {
  const { enforcement, digestProbes } = catalog
  const where = end
  const unproven: string[] = []
  if (enforcement === 'application') {
    unproven.push('writes are kept out by the application alone: one that it lets in is lost')
  }
  if (!able.digests) {
    unproven.push('active writers cannot be seen: the drain waits for `fence.graceMs`')
    unproven.push('foreign keys, sequences and ids of other tenants are not looked at')
    unproven.push('a copy that is interrupted starts over')
  }
  if (!tellsStrays(able, catalog)) {
    const why =
      "does not look for rows that refer to a tenant's and that the plan's paths do not find"
    unproven.push(`${why}: they stay behind, and a removal there may break their references`)
  }
  if (able.digests && !able.sql && hasUnknownTypes(catalog)) {
    const why = 'does not describe its enums and composite types (`shape`)'
    unproven.push(`${why}: values are compared as texts only`)
  }
  if (end === 'source' && readUnchecked(able, digestProbes)) {
    const why = 'makes no digest of its own to compare with the rows that were read'
    unproven.push(`${why}: a page of rows that is missing in every answer is not detected`)
  }
  return unproven.map((message) => ({ where, message }))
}

function hasUnknownTypes({ tables }: Catalog): boolean {
  return [...tables.values()].some(({ columns }) =>
    columns.some(({ shape, typeSql }) => !shape && !typeSql.startsWith('pg_catalog.')),
  )
}

/** Requirements of an existing API. */
function apiFindings({ source, target }: Plan, routes: readonly Route[]): Finding[] {
  const findings: Finding[] = []
  if (source.kind === 'api' && target.kind === 'api') {
    const message = 'is an API, as the source is: no end could compare their rows'
    findings.push({ where: 'target', message })
  }
  if (target.kind !== 'api') return findings
  for (const route of routes) {
    const { target: table, plan } = route
    const where = `target table "${table.name}"`
    const { write, remove } = target.tables[table.name] ?? {}
    if (!write) findings.push({ where, message: 'has no `write`' })
    if (!remove) findings.push({ where, message: 'has no `remove`' })
    if (plan.quarantine || hasNewIds(route)) {
      findings.push({
        where,
        message: '`quarantine` and `newIds` need a target with rehome tables',
      })
    }
  }
  return findings
}

/**
 * Rows that depend on others go with them at the end that receives, a step at a time, and come
 * again by the other end's log. What that does not know of them would be lost on the way.
 */
function feedFindings({ strategy, rollback }: Plan, routes: readonly Route[]): Finding[] {
  const findings: Finding[] = []
  for (const route of routes) {
    const { source, sourcePath, targetPath } = route
    const where = `table "${source.name}"`
    const follows = strategy === 'online' || rollback.windowMs > 0
    const areSeveral = [sourcePath, targetPath].some(hasSeveralWays)
    if (follows && areSeveral) {
      const message =
        'finds its tenant by one of several ways, which changes over HTTP cannot follow: move offline, with `rollback: { windowMs: 0 }`'
      findings.push({ where, message })
    }
    if (follows && !areSeveral && !isSameWay(sourcePath, targetPath, routes)) {
      const message =
        'finds its tenant by another way at the target, which changes over HTTP cannot follow: move offline, with `rollback: { windowMs: 0 }`'
      findings.push({ where, message })
    }
    if (follows && [sourcePath, targetPath].some(isUndeclared)) {
      const message =
        'finds its tenant by a reference without a foreign key, which changes over HTTP cannot follow: move offline, with `rollback: { windowMs: 0 }`'
      findings.push({ where, message })
    }
    if (rollback.windowMs === 0 || hopsOf(sourcePath) === 0) continue
    const back = wayBack(route)
    const [left] = columnsLeft(back)
    const what = left === undefined ? 'rows that its transform leaves out' : `column "${left}"`
    if (back.blocked || (left === undefined && !route.transform)) continue
    const message = `a rollback over HTTP would lose ${what}, as its rows go and come with their parents: set \`rollback: { windowMs: 0 }\``
    findings.push({ where, message })
  }
  return findings
}

/** Both lead through the same tables. */
function isSameWay(source: TenantPath, target: TenantPath, routes: readonly Route[]): boolean {
  if (source.kind !== 'through' || target.kind !== 'through') return isOwn(source) && isOwn(target)
  const parent = routes.find((route) => route.source.name === source.parent)
  if ((parent?.target.name ?? source.parent) !== target.parent) return false
  return isSameWay(source.path, target.path, routes)
}

/** Parts of the plan that would run there as SQL. */
function sqlFindings(plan: Plan, overHttp: readonly EndName[]): Finding[] {
  const findings: Finding[] = []
  const invariant = plan.invariants.find((one) => !('at' in one) || overHttp.includes(one.at))
  if (overHttp.length > 0 && invariant) {
    const message = `invariant "${invariant.name}" is SQL, which an end over HTTP does not run`
    findings.push({ where: overHttp[0] ?? 'source', message })
  }
  if (overHttp.includes('target') && hasNewIds(plan)) {
    findings.push({ where: 'target', message: '`newIds` are made by SQL, which it does not run' })
  }
  if (overHttp.length > 0 && plan.scope !== plan.targetScope) {
    const message =
      'needs one database that rehome connects to directly, but an end is reached over HTTP'
    findings.push({ where: '`targetScope`', message })
  }
  return findings
}

/** Rows of such an end come in the order of its own key. */
function orderFindings({ source: end }: Plan, { source, stream }: Route): Finding[] {
  if (end.kind === 'sql' || !stream || stream.by.length === 0) return []
  const primary = source.uniques.find((unique) => unique.primary)?.columns ?? []
  if (stream.by.every((name, i) => primary[i] === name) && end.kind === 'http') return []
  const message = `gathers by (${stream.by.join(', ')}), and rows come there by (${primary.join(', ')})`
  return [{ where: `stream "${stream.name}"`, message }]
}
