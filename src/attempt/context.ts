/** The context of transforms: the same for every row and the verification's run. */
import { createHash } from 'node:crypto'
import type { Ends } from '../ends/end.ts'
import { RehomeError } from '../errors.ts'
import type { Plan } from '../plan/plan.ts'
import type { Route } from '../plan/routing/route.ts'
import type { TransformContext } from '../plan/transform-context.ts'
import { toRehomeError } from '../postgres.ts'
import { type Renumber, renumberAt } from '../transform/renumber.ts'
import { lookupAt } from './lookup-at.ts'
import type { Shard } from './shard.ts'

export function contextOf({
  tenant,
  plan,
  lookups,
}: Pick<Shard, 'tenant' | 'plan' | 'lookups'>): TransformContext {
  return { tenantId: tenant, scope: plan.scope, planName: plan.name, lookups }
}

/** Throws PLAN_INVALID where the plan's own function fails. */
export async function lookUp(
  plan: Plan,
  ends: Ends,
  tenantId: string,
): Promise<Readonly<Record<string, unknown>>> {
  if (!plan.lookups) return {}
  const at = { tenantId, source: lookupAt(ends.source), target: lookupAt(ends.target) }
  try {
    return await plan.lookups(at)
  } catch (error) {
    const cause = toRehomeError(error, "the plan's `lookups`")
    if (cause.retryable) throw cause
    throw new RehomeError('PLAN_INVALID', `the plan's \`lookups\`: ${cause.message}`, { cause })
  }
}

/** Equal for equal findings: rows that were copied by other ones have to come again. */
export function hashOfLookups(lookups: Readonly<Record<string, unknown>>): string {
  const text = JSON.stringify(lookups, (_, value: unknown) =>
    value instanceof Map || value instanceof Set ? [...value] : value,
  )
  return createHash('sha256').update(text).digest('hex')
}

/** Renumbers rows that go this way: their ids become those that the run has given them. */
export function renumberOf(
  shard: Pick<Shard, 'plan' | 'tenant' | 'run' | 'ends'>,
  route: Route,
): Renumber {
  const { plan, tenant, run, ends } = shard
  const spaces = Object.entries(plan.newIds).map(
    ([space, { by }]) =>
      [space, { scope: plan.scope, tenant, runId: run.id, space, by: by.sql }] as const,
  )
  return renumberAt(ends.target.rows, route, new Map(spaces))
}
