/**
 * Plans whose tenants have schemas of their own: one survey for all tenants whose schemas are
 * alike, at both ends.
 */
import {
  commonEnds,
  type Ends,
  endOf,
  endsOf,
  type PlanEnd,
  type PlanEnds,
  placeOfTenant,
  type SqlEnd,
  tenantsAt,
} from '../ends/end.ts'
import { unlessGone } from '../ends/postgres/tenant-schemas.ts'
import { RehomeError } from '../errors.ts'
import { inParallel } from '../parallel.ts'
import { encodedPath } from '../place.ts'
import type { Finding } from '../plan/catalogs/catalog.ts'
import { hasSchemas } from '../plan/endpoint.ts'
import type { Plan } from '../plan/plan.ts'
import { type Survey, survey, surveyLike, type TenantSurvey } from './survey.ts'

/** Tenants for whom one survey does. */
export interface Kind {
  /** null: the ends tell tenants apart by their rows, and one survey does for all. */
  readonly tenants: readonly string[] | null
  /** The ends of the first of them. */
  readonly ends: Ends
  readonly survey: Survey
}

/** Tenants without a schema at an end. */
export interface Schemaless {
  readonly end: 'source' | 'target'
  readonly tenants: readonly string[]
}

export interface Kinds {
  readonly kinds: readonly Kind[]
  readonly without: readonly Schemaless[]
  /** Tenants that the plan leaves where they are: both of their ends are the same. */
  readonly settled: number
}

/** `tenants`: asked for only where they have schemas of their own. */
export async function surveyKinds(
  plan: Plan,
  ends: PlanEnds,
  tenants: () => Promise<readonly string[]>,
): Promise<Kinds> {
  const common = commonEnds(ends)
  if (common) {
    const only = { tenants: null, ends: common, survey: await survey(plan, common) }
    return { kinds: [only], without: [], settled: 0 }
  }
  const listed = [...new Set(await tenants())]
  const names = listed.filter((tenant) => !isSettled(ends, tenant))
  refuseTemplate(plan, ends, names)
  const [source, target] = await Promise.all([
    printsAt(ends.source, names),
    printsAt(ends.target, names),
  ])
  const alike = new Map<string, string[]>()
  for (const [i, tenant] of names.entries()) {
    if (source[i] === null || target[i] === null) continue
    const print = `${source[i]} ${target[i]}`
    alike.set(print, [...(alike.get(print) ?? []), tenant])
  }
  const kinds: Kind[] = []
  for (const some of alike.values()) {
    const own = endsOf(ends, some[0] ?? '')
    kinds.push({ tenants: some, ends: own, survey: await survey(plan, own) })
  }
  const lacking = (prints: readonly (string | null)[]) => names.filter((_, i) => prints[i] === null)
  const without: Schemaless[] = [
    { end: 'source', tenants: lacking(source) },
    { end: 'target', tenants: lacking(target) },
  ]
  const settled = listed.length - names.length
  return { kinds, without: without.filter((one) => one.tenants.length > 0), settled }
}

/** Surveys of single tenants: their ends are looked at once for all that are alike. */
export async function surveysOf(
  plan: Plan,
  ends: PlanEnds,
  tenants: readonly string[],
): Promise<(tenant: string) => Promise<TenantSurvey>> {
  const { kinds } = await surveyKinds(plan, ends, async () => tenants)
  const [only] = kinds
  if (only && !only.tenants) return async () => only.survey
  const kindOf = new Map(
    kinds.flatMap((kind) => (kind.tenants ?? []).map((tenant) => [tenant, kind] as const)),
  )
  return async (tenant) => {
    const own = { plan, ends: endsOf(ends, tenant) }
    const kind = kindOf.get(tenant)
    return kind ? surveyLike(kind.survey, own) : await survey(plan, own.ends)
  }
}

/** A plan may choose the same end for both. Two that are always the same are a finding. */
function isSettled({ source, target }: PlanEnds, tenant: string): boolean {
  if (source.rows && target.rows) return false
  return placeOfTenant(source, tenant) === placeOfTenant(target, tenant)
}

/** A tenant's schema or database is filled, and emptied. Throws PLAN_INVALID. */
function refuseTemplate({ prepare }: Plan, ends: PlanEnds, tenants: readonly string[]): void {
  if (typeof prepare !== 'object') return
  const { like } = prepare
  for (const end of [ends.target, ends.source].filter(({ places }) => places)) {
    for (const tenant of tenants) {
      const { sql } = endOf(end, tenant)
      const there = endOf(ends.target, tenant).sql
      if (!sql || !there || placeOfTemplate(there, like) !== placeIn(sql)) continue
      const what = there.isWholeDatabase ? 'database' : 'schema'
      const whose = `"${like}" is also the ${what} of ${named([tenant])}`
      const message = `plan field \`prepare.like\`: ${whose} at the ${end.name}: a template is no tenant's`
      throw new RehomeError('PLAN_INVALID', message, { tenant })
    }
  }
}

function placeOfTemplate(target: SqlEnd, like: string): string {
  const server = target.address.slice(0, target.address.indexOf('/'))
  if (target.isWholeDatabase) return `${server}${encodedPath(`/${like}`)}`
  return placeIn({ ...target, schema: like })
}

function placeIn({ address, schema, isWholeDatabase }: SqlEnd): string {
  return isWholeDatabase ? address : `${address} ${schema}`
}

/** Databases that are asked at once. */
const atOnce = 4
const { signal } = new AbortController()

/** For each tenant what its place is like; null: there is none. */
async function printsAt(
  end: PlanEnd,
  tenants: readonly string[],
): Promise<readonly (string | null)[]> {
  const prints = new Map<string, string | null>()
  const groups = tenantsAt(end, tenants)
  await inParallel(groups, { limit: atOnce, signal }, async ({ end: one, tenants: some }) => {
    const own = one.prints && (await one.prints(some).catch(unlessGone))
    for (const [i, tenant] of some.entries()) {
      // Tenants of a common schema: each end is of a kind of its own.
      prints.set(tenant, own === undefined ? one.place : (own?.[i] ?? null))
    }
  })
  return tenants.map((tenant) => prints.get(tenant) ?? null)
}

/** Adds the tenants to a finding. */
export function ofKind({ tenants }: Kind, findings: readonly Finding[]): Finding[] {
  if (!tenants) return [...findings]
  return findings.map(({ where, message }) => ({ where: `${where} of ${named(tenants)}`, message }))
}

export function schemalessFinding(
  { prepare, target }: Pick<Plan, 'prepare' | 'target'>,
  { end, tenants }: Schemaless,
): Finding {
  const made = prepare
    ? ': run `rehome init`, which makes it by `prepare`'
    : ': create it with its tables, then run `rehome init`; or say `prepare`'
  const instead = end === 'target' ? made : ''
  const isDatabase = end === 'target' && !hasSchemas(target)
  const what = isDatabase ? 'database with tables' : 'schema or database'
  return { where: end, message: `there is no ${what} for ${named(tenants)}${instead}` }
}

/** Throws PREFLIGHT_FAILED. */
export function refuseSchemaless(plan: Plan, { without }: Kinds): void {
  const findings = without.map((one) => schemalessFinding(plan, one))
  const [first] = findings
  if (!first) return
  const message = `${first.where}: ${first.message}`
  throw new RehomeError('PREFLIGHT_FAILED', message, { data: { findings } })
}

function named(tenants: readonly string[]): string {
  const [first = '', ...more] = tenants
  const name = JSON.stringify(first.length > 40 ? `${first.slice(0, 40)}…` : first)
  return more.length > 0 ? `tenant ${name} and ${more.length} more` : `tenant ${name}`
}
