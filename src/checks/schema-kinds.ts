/**
 * Plans whose tenants have schemas of their own: one survey for all tenants whose schemas are
 * alike, at both ends.
 */
import { type End, type Ends, endsOf, hasSchemas } from '../ends/end.ts'
import { RehomeError } from '../errors.ts'
import type { Finding } from '../plan/catalogs/catalog.ts'
import type { Plan } from '../plan/plan.ts'
import { type Survey, survey } from './survey.ts'

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
}

/** `tenants`: asked for only where they have schemas of their own. */
export async function surveyKinds(
  plan: Plan,
  ends: Ends,
  tenants: () => Promise<readonly string[]>,
): Promise<Kinds> {
  if (!hasSchemas(ends)) {
    return { kinds: [{ tenants: null, ends, survey: await survey(plan, ends) }], without: [] }
  }
  const names = [...new Set(await tenants())]
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
  return { kinds, without: without.filter((one) => one.tenants.length > 0) }
}

/** A tenant's schema is filled, and dropped. Throws PLAN_INVALID. */
function refuseTemplate({ prepare }: Plan, ends: Ends, tenants: readonly string[]): void {
  if (typeof prepare !== 'object') return
  const { like } = prepare
  const isThere = (end: End) => end.schemas && end.sql?.address === ends.target.sql?.address
  for (const end of [ends.target, ends.source].filter(isThere)) {
    const tenant = tenants.find((id) => end.schemas?.of(id).sql?.schema === like)
    if (tenant === undefined) continue
    const field = `plan field \`prepare.like\`: "${like}" is also the schema of ${named([tenant])}`
    const message = `${field} at the ${end.name}: a template is no tenant's`
    throw new RehomeError('PLAN_INVALID', message, { tenant })
  }
}

async function printsAt(
  end: Ends['source'],
  tenants: readonly string[],
): Promise<readonly (string | null)[]> {
  return (await end.schemas?.prints(tenants)) ?? tenants.map(() => '')
}

/** Adds the tenants to a finding. */
export function ofKind({ tenants }: Kind, findings: readonly Finding[]): Finding[] {
  if (!tenants) return [...findings]
  return findings.map(({ where, message }) => ({ where: `${where} of ${named(tenants)}`, message }))
}

export function schemalessFinding(
  { prepare }: Pick<Plan, 'prepare'>,
  { end, tenants }: Schemaless,
): Finding {
  const made = prepare
    ? ': run `rehome init`, which makes it by `prepare`'
    : ': create it with its tables, then run `rehome init`; or say `prepare`'
  const instead = end === 'target' ? made : ''
  return { where: end, message: `there is no schema for ${named(tenants)}${instead}` }
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
