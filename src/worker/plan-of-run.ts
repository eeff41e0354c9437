/** Which of a worker's plans a run belongs to: that of its name and its text. */
import type { Move, Run } from '../control/database.ts'
import { type Ends, endsOf } from '../ends/end.ts'
import { RehomeError } from '../errors.ts'
import type { OpenPlan } from './claimed.ts'

export function findPlan(plans: readonly OpenPlan[], run: Run): OpenPlan | undefined {
  return plans.find(
    ({ plan, fingerprint }) => plan.name === run.plan_name && fingerprint === run.plan_fingerprint,
  )
}

export function planChanged(plans: readonly OpenPlan[], run: Run): RehomeError {
  const message = !plans.some(({ plan }) => plan.name === run.plan_name)
    ? `this worker does not have plan "${run.plan_name}": start it with the plan's file`
    : `plan "${run.plan_name}" has changed since run ${run.id} was enqueued: enqueue a new run`
  return new RehomeError('PLAN_CHANGED', message)
}

/**
 * The ends of the move's tenant. Throws PLAN_CHANGED where a function of the plan returns another
 * one than when the move was enqueued: rows of the tenant may be there already.
 */
export function endsOfMove({ ends }: OpenPlan, move: Move): Ends {
  const own = endsOf(ends, move.tenant_id)
  for (const name of ['source', 'target'] as const) {
    const before = move[name]
    if (before === null || before === own[name].place) continue
    const message = `the plan's ${name} of the tenant was ${before} when the move was enqueued, and is ${own[name].place} now: functions in \`source\`, \`target\` and \`url\` have to return the same for a tenant as long as its moves last`
    throw new RehomeError('PLAN_CHANGED', message, { tenant: move.tenant_id })
  }
  return own
}
