/** Facts about the tenants of a plan, and those of them for which a condition on facts holds. */
import { survey } from '../checks/survey.ts'
import type { Control } from '../control/database.ts'
import { tenantsWhere } from '../control/fleet/facts.ts'
import { endsOf } from '../ends/end.ts'
import { RehomeError } from '../errors.ts'
import { inParallel } from '../parallel.ts'
import {
  checkedFacts,
  type Facts,
  type FactsOfTenants,
  parseCondition,
  rowsFact,
} from '../plan/facts.ts'
import type { Plan } from '../plan/plan.ts'
import type { Choice } from './choose.ts'
import type { Naming } from './wave-names.ts'

/** Functions of the plan, and counts at the source, under way at once. */
const atOnce = 4
const { signal } = new AbortController()

export interface FactsAsked extends Pick<Choice, 'where'> {
  /** Facts that waves and their order are about. Rows are counted where they are among them. */
  readonly needed?: readonly string[] | undefined
  /** A needed fact that no tenant has is refused: it would send every tenant elsewhere. */
  readonly refusesUnknown?: boolean | undefined
}

/**
 * Facts about these tenants: those of the plan, and their rows if anything is about rows. Only
 * tenants for which the condition holds are returned. null: nothing is about facts. Throws USAGE
 * for a condition that is wrong, or names a fact that no tenant has; PLAN_INVALID for facts that
 * are wrong.
 */
export async function factsWhere(
  tenants: readonly string[],
  { plan, ends, sources }: Naming,
  { where, needed = [], refusesUnknown = false }: FactsAsked,
): Promise<FactsOfTenants | null> {
  const condition = where === undefined ? null : parseCondition(where)
  const conditions = condition?.facts ?? []
  const counts = [...conditions, ...needed].includes(rowsFact)
  const facts = new Map<string, Facts>()
  if (!plan.facts && !condition && !counts && !(refusesUnknown && needed.length > 0)) {
    return null
  }
  await inParallel(tenants, { limit: atOnce, signal }, async (tenant) => {
    const own = plan.facts ? checkedFacts(tenant, await plan.facts(tenant)) : {}
    const rows = counts ? { rows: await rowsOf(tenant, { plan, ends, sources }) } : {}
    facts.set(tenant, { ...own, ...rows })
  })
  const names = new Set([...[...facts.values()].flatMap((one) => Object.keys(one)), rowsFact])
  if (tenants.length > 0) refuseUnknown([...conditions, ...(refusesUnknown ? needed : [])], names)
  return new Map(
    tenants.flatMap((tenant) => {
      const own = facts.get(tenant) ?? {}
      return condition && !condition.holds(own) ? [] : [[tenant, own]]
    }),
  )
}

/** Facts by which the plan's waves take tenants, or that order them. */
export function factsNeeded({ waves = [], order }: Pick<Plan, 'waves' | 'order'>): string[] {
  const ofWaves = waves.flatMap(({ where }) => (where ? parseCondition(where).facts : []))
  return [...ofWaves, ...(order && 'by' in order ? [order.by] : [])]
}

/** Counts the tenant's rows in the plan's tables at the source. */
export async function rowsOf(tenant: string, { plan, ends, sources }: Naming): Promise<number> {
  const { scope } = plan
  const own = endsOf(ends, tenant)
  const tables = ends.source.places ? (await survey(plan, own)).sources : sources
  const places = tables.map(({ table, path }) => ({ scope, tenant, table, path }))
  const counts = await own.source.rows.counts(places)
  return counts.reduce((sum, count) => sum + count, 0)
}

/** Those of a run for which the condition holds. Throws USAGE. */
export async function tenantsOfRunWhere(
  control: Control,
  runId: string,
  where: string,
): Promise<ReadonlySet<string>> {
  const condition = parseCondition(where)
  const { tenants, names } = await tenantsWhere(control, runId, condition)
  refuseUnknown(condition.facts, names)
  return tenants
}

function refuseUnknown(facts: readonly string[], names: ReadonlySet<string>): void {
  const unknown = facts.find((fact) => !names.has(fact))
  if (unknown === undefined) return
  const list = [...names].toSorted().join(', ')
  throw new RehomeError('USAGE', `no tenant has a fact "${unknown}": there are ${list}`)
}
