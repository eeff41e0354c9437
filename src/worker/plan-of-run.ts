/** Which of a worker's plans a run belongs to: that of its name and its text. */
import type { Run } from '../control/database.ts'
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
