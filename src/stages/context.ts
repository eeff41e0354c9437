import type { TransformContext } from '../plan/plan.ts'
import type { Shard } from './shard.ts'

/** What transforms are given: the same for every row, every attempt and the verification's run. */
export function contextOf(shard: Shard): TransformContext {
  return { tenantId: shard.tenant, scope: shard.plan.scope, planName: shard.plan.name }
}
