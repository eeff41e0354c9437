// The smallest plan, and the one error that a wrong one is refused with.
import { RehomeError } from '../../../src/errors.ts'
import { checkPlan } from '../../../src/plan/check-plan.ts'
import { postgres } from '../../../src/plan/endpoint.ts'
import { type PlanInput, table } from '../../../src/plan/plan.ts'

export const small: PlanInput = {
  name: 'small',
  source: postgres({ urlFrom: 'SOURCE_URL' }),
  target: postgres({ urlFrom: 'TARGET_URL' }),
  tenants: ['acme'],
  tables: [table('notes')],
}

/** Throws where it is not refused as PLAN_INVALID. */
export function refusal(input: unknown): RehomeError {
  try {
    checkPlan(input)
  } catch (error) {
    if (error instanceof RehomeError && error.code === 'PLAN_INVALID') return error
    throw error
  }
  throw new Error('the plan was accepted')
}
