/**
 * The current schemas of the two databases, brought together with the plan: read anew for every
 * attempt, and once more before the cutover, so that a schema changed halfway is seen. Changes
 * nothing.
 */
import { createHash } from 'node:crypto'
import type { HashFunction } from '../ends/digest.ts'
import { type End, type Ends, failedAt, type PlanEnds, type SqlEnd } from '../ends/end.ts'
import { guardedTables } from '../ends/postgres/changes/logged-tables.ts'
import { type Guarded, logsOwnTypes, missingGuards } from '../ends/postgres/fence/guard-sql.ts'
import { ofTenant } from '../ends/postgres/tenant-schemas.ts'
import type { Catalog } from '../plan/catalogs/catalog.ts'
import type { Plan } from '../plan/plan.ts'
import type { EndTable, Route } from '../plan/routing/route.ts'
import { type Routing, routeTables } from '../plan/routing/routes.ts'
import { wayBack } from '../plan/routing/way-back.ts'
import { serverFindings } from './findings.ts'
import { commonHash } from './http-findings.ts'

export interface Survey extends Routing {
  readonly source: Catalog
  readonly target: Catalog
  readonly hash: HashFunction
  /** The copy may run with foreign keys and triggers off; they are checked together afterwards. */
  readonly replicate: boolean
  /** The tables that have to have guards, at both ends. */
  readonly guarded: readonly GuardedAt[]
  /** Relations among them that have no sound one, and whose guards stay once they are installed. */
  readonly unguarded: readonly Unguarded[]
  /** Changes where anything changes that a move relies on. */
  readonly fingerprint: string
}

export interface GuardedAt extends Guarded {
  readonly end: SqlEnd
}

export interface Unguarded {
  readonly end: End
  readonly relation: string
  /** Statements that install its guard; empty where that is for the end itself to do. */
  readonly statements: readonly string[]
}

type SurveyedEnds = Pick<Ends, 'source' | 'target'>
type Catalogs = Pick<Survey, 'source' | 'target'>

export async function survey(plan: Plan, ends: SurveyedEnds): Promise<Survey> {
  const planned = plan.tables.filter((entry) => entry.kind !== 'discover')
  const read = (end: End, tables: typeof planned) => end.rows.describe(tables).catch(failedAt(end))
  const [source, target] = await Promise.all([read(ends.source, planned), read(ends.target, [])])
  const facts = JSON.stringify([source, target], withoutTables)
  const before = latest.get(ends.source)
  const isSame =
    before?.plan === plan &&
    before.target === ends.target &&
    before.facts === facts &&
    before.survey.source.tables === source.tables &&
    before.survey.target.tables === target.tables
  if (isSame) return before.survey
  const surveyed = bringTogether(plan, ends, { source, target })
  // Routes of these note ids for the tenant that is about to move.
  if (surveyed.routes.some(notesIds) || surveyed.shared.some(notesIds)) return surveyed
  latest.set(ends.source, { plan, target: ends.target, facts, survey: surveyed })
  return surveyed
}

function notesIds({ sharedIds }: Route): boolean {
  return sharedIds !== undefined
}

interface Latest {
  readonly plan: Plan
  readonly target: End
  /** All that the catalogues say, but for their tables. */
  readonly facts: string
  readonly survey: Survey
}

/**
 * The last survey of each source. It is also the next tenant's where both ends say the same: it is
 * made of nothing else, and making it costs more than asking them. Tables are the same where the
 * catalogue has remembered them.
 */
const latest = new WeakMap<End, Latest>()

function withoutTables(key: string, value: unknown): unknown {
  if (key === 'tables') return undefined
  return value instanceof Map ? [...value] : value
}

function bringTogether(plan: Plan, ends: SurveyedEnds, catalogs: Catalogs): Survey {
  const { source, target } = catalogs
  const routing = routeTables(plan, source, target)
  const guarded = [ends.source, ends.target].flatMap(({ sql }) =>
    sql ? guardedTables(plan, routing, sql).map((one) => ({ ...one, end: sql })) : [],
  )
  const unguarded = [
    ...guarded
      .filter(({ passing }) => !passing)
      .flatMap((one) =>
        missingGuards(one).map((missing) => ({ end: ends[one.end.name], ...missing })),
      ),
    ...untoldGuards(ends.source, source),
    ...untoldGuards(ends.target, target),
  ]
  return {
    ...routing,
    findings: [...routing.findings, ...serverFindings(plan, routing, catalogs)],
    source,
    target,
    hash: commonHash(source, target) ?? 'md5',
    replicate: target.mayReplicate,
    guarded,
    unguarded,
    fingerprint: fingerprintOf(routing, catalogs),
  }
}

/** A survey without what is only about the guards that stand. */
export type TenantSurvey = Routing & Catalogs

/** Survey of other ends, made from that of ends that are alike. */
export function surveyLike(
  { source, target }: Catalogs,
  { plan, ends }: { readonly plan: Plan; readonly ends: SurveyedEnds },
): TenantSurvey {
  const own = { source: asAt(ends.source, source), target: asAt(ends.target, target) }
  return { ...routeTables(plan, own.source, own.target), ...own }
}

function asAt({ sql }: End, catalog: Catalog): Catalog {
  if (sql?.tenant === undefined) return catalog
  return ofTenant({ ...catalog, schema: sql.schema }, sql.tenant)
}

/**
 * The tables of the plan's guards as another tenant has them, whose ends are alike. null: each
 * tenant's are to be surveyed, as a guard has types of its own schema.
 */
export function guardedLike(
  { guarded }: Pick<Survey, 'guarded'>,
  ends: SurveyedEnds,
): GuardedAt[] | null {
  if (guarded.some(logsOwnTypes)) return null
  return guarded.flatMap((like): GuardedAt[] => {
    const end = ends[like.end.name].sql
    // A common end has one guard for all tenants.
    if (end?.tenant === undefined || like.path.kind !== 'whole') return []
    const path = { ...like.path, tenant: end.tenant }
    return [{ ...like, end, schema: end.schema, path, like }]
  })
}

/** The tables of the source by which tenants are known, whatever the target looks like. */
export async function sourcesAlone(
  plan: Plan,
  { source }: Pick<PlanEnds, 'source'>,
): Promise<readonly EndTable[]> {
  // Tenants are known by their schemas or databases.
  if (source.places || !source.rows) return []
  const catalog = await source.rows.describe([])
  return routeTables(plan, catalog, { ...catalog, tables: new Map() }).sources
}

/** Guards that an end itself reports as missing. */
function untoldGuards(end: End, { unguarded = [] }: Catalog): Unguarded[] {
  return unguarded.map((relation) => ({ end, relation, statements: [] }))
}

function fingerprintOf(routing: Routing, { source, target }: Catalogs): string {
  const texts = [
    reliedOn(source, tablesAt(routing, 'source')),
    reliedOn(target, tablesAt(routing, 'target')),
  ]
  // Whichever of the two is the source.
  return createHash('sha256').update(texts.sort().join()).digest('hex')
}

/** Names of the tables that a move relies on at an end; null: it may read any. */
export function tablesAt(
  { sources, targets, shared, routes }: Routing,
  end: 'source' | 'target',
): readonly string[] | null {
  // A stream reads tables that it does not name.
  if (end === 'source' && routes.some(({ stream }) => stream !== undefined)) return null
  const tables = end === 'source' ? sources : targets
  return [...tables.map(({ table }) => table.name), ...shared.map((route) => route[end].name)]
}

/** All that a move relies on at an end whose tables it names; null: it may read any. */
function reliedOn({ stamp, ...catalog }: Catalog, names: readonly string[] | null): string {
  const tables = (names ?? [...catalog.tables.keys()]).map((name) => catalog.tables.get(name))
  const isStamped = names !== null && tables.every((table) => table?.stamp !== undefined)
  return [
    JSON.stringify(catalog, withoutTables),
    JSON.stringify(tables),
    isStamped ? '' : stamp,
  ].join()
}

/** The survey on the way back: what was the source is the target. */
export function surveyBack(survey: Survey): Survey {
  const exchangedSurvey = back.get(survey) ?? exchanged(survey)
  back.set(survey, exchangedSurvey)
  return exchangedSurvey
}

const back = new WeakMap<Survey, Survey>()

function exchanged(survey: Survey): Survey {
  const { source, target, routes, sources, targets, shared } = survey
  return {
    ...survey,
    sources: targets,
    targets: sources,
    routes: routes.map((route) => route.backOf ?? wayBack(route)),
    shared: shared.map((route) => route.backOf ?? wayBack(route)),
    source: target,
    target: source,
    replicate: source.mayReplicate,
  }
}

/**
 * The end whose schema or guards have changed since they were surveyed, so that a move can no
 * longer rely on the survey; null: neither. One call per end where nothing has changed. Where
 * something has, such as a table that comes or goes beside those of the plan, both are surveyed
 * anew, and relied upon if all that the plan names is as it was and has the same findings.
 */
export async function changedEnd(before: Survey, { plan, ends }: Surveyed): Promise<End | null> {
  const stamps = await Promise.all([ends.source.rows.stamp(), ends.target.rows.stamp()])
  const changed = [ends.source, ends.target].find((_, i) => {
    const catalog = [before.source, before.target][i]
    return catalog && stamps[i] !== (confirmed.get(catalog) ?? catalog.stamp)
  })
  if (!changed) return null
  const now = await survey(plan, ends)
  if (now.fingerprint !== before.fingerprint || !hasSameFindings(before, now)) return changed
  confirmed.set(before.source, now.source.stamp)
  confirmed.set(before.target, now.target.stamp)
  return null
}

interface Surveyed {
  readonly plan: Plan
  readonly ends: SurveyedEnds
}

/** Catalogue → the stamp of a later one in which nothing was different that a move relies on. */
const confirmed = new WeakMap<Catalog, string | undefined>()

function hasSameFindings(before: Survey, now: Survey): boolean {
  return JSON.stringify(before.findings) === JSON.stringify(now.findings)
}
