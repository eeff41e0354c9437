/** Facts about the tenants of a plan, and those of them for which a condition on facts holds. */
import { surveysOf } from '../checks/schema-kinds.ts'
import type { Candidates, Judged } from '../control/fleet/candidates.ts'
import { endOf } from '../ends/end.ts'
import { RehomeError } from '../errors.ts'
import { inParallel } from '../parallel.ts'
import { checkedFacts, type Facts, parseCondition, rowsFact } from '../plan/facts.ts'
import type { Plan } from '../plan/plan.ts'
import type { Choice } from './choose.ts'
import type { Naming } from './wave-names.ts'

/** Functions of the plan, and counts at the source, under way at once. */
const atOnce = 4
const { signal } = new AbortController()

export interface FactsAsked extends Pick<Choice, 'where'> {
  /** A fact that no tenant has is refused where all are asked for: it would mean none of them. */
  readonly refusesUnknown: boolean
}

/**
 * Adds their facts to the candidates: those of the plan, and their rows if anything is about rows.
 * Only those for which the condition holds stay. Throws USAGE for a condition that is wrong, or
 * names a fact that no tenant has; PLAN_INVALID for facts that are wrong.
 */
export async function judgeByFacts(
  candidates: Candidates,
  naming: Naming,
  { where, refusesUnknown }: FactsAsked,
): Promise<void> {
  const { plan } = naming
  const condition = where === undefined ? null : parseCondition(where)
  const conditions = condition?.facts ?? []
  const needed = factsNeeded(plan)
  const counts = [...conditions, ...needed].includes(rowsFact)
  if (!plan.facts && !condition && !counts && !(refusesUnknown && needed.length > 0)) return
  const key = plan.order && 'by' in plan.order ? plan.order.by : null
  const names = new Set<string>([rowsFact])
  let isEmpty = true
  for await (const page of candidates.pages()) {
    isEmpty = false
    const judged: Judged[] = []
    const tenants = page.map(({ tenant }) => tenant)
    const rowsOf = counts ? await rowCounter(tenants, naming) : null
    await inParallel(page, { limit: atOnce, signal }, async ({ n, tenant }) => {
      const own = plan.facts ? checkedFacts(tenant, await plan.facts(tenant)) : {}
      const rows = rowsOf ? { rows: await rowsOf(tenant) } : {}
      const facts: Facts = { ...own, ...rows }
      for (const name of Object.keys(facts)) names.add(name)
      const fits = condition?.holds(facts) ?? true
      judged.push({ n, facts, fits, key: key === null ? null : (facts[key] ?? null) })
    })
    await candidates.judge(judged)
  }
  if (!isEmpty) refuseUnknownFacts([...conditions, ...(refusesUnknown ? needed : [])], names)
}

/** Facts by which the plan's waves take tenants, or that order them. */
function factsNeeded({ waves = [], order }: Pick<Plan, 'waves' | 'order'>): string[] {
  const ofWaves = waves.flatMap(({ where }) => (where ? parseCondition(where).facts : []))
  return [...ofWaves, ...(order && 'by' in order ? [order.by] : [])]
}

/** Counts rows of one of these tenants in the plan's tables at the source. */
export async function rowCounter(
  tenants: readonly string[],
  { plan, ends, sources }: Naming,
): Promise<(tenant: string) => Promise<number>> {
  const { scope } = plan
  const surveyOf = ends.source.places ? await surveysOf(plan, ends, tenants) : null
  return async (tenant) => {
    const tables = (await surveyOf?.(tenant))?.sources ?? sources
    const places = tables.map(({ table, path }) => ({ scope, tenant, table, path }))
    const counts = await endOf(ends.source, tenant).rows.counts(places)
    return counts.reduce((sum, count) => sum + count, 0)
  }
}

/** Throws USAGE for a fact that no tenant has. */
export function refuseUnknownFacts(facts: readonly string[], names: ReadonlySet<string>): void {
  const unknown = facts.find((fact) => !names.has(fact))
  if (unknown === undefined) return
  const list = [...names].toSorted().join(', ')
  throw new RehomeError('USAGE', `no tenant has a fact "${unknown}": there are ${list}`)
}
