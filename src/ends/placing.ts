/** Functions of a plan that place a tenant: its end, its URL, its schema. */
import { messageOf, RehomeError } from '../errors.ts'

interface Placed {
  /** Field of the plan, such as `source.url`. */
  readonly field: string
  readonly tenant: string
}

/** Asks such a function. Throws PLAN_INVALID where it throws. */
export function askPlan<T>({ field, tenant }: Placed, ask: () => T): T {
  try {
    return ask()
  } catch (cause) {
    if (cause instanceof RehomeError) throw cause
    const whose = JSON.stringify(tenant.slice(0, 80))
    const message = `plan field \`${field}\` failed for tenant ${whose}: ${messageOf(cause)}`
    throw new RehomeError('PLAN_INVALID', message, { tenant, cause })
  }
}

const unplacedCodes: readonly string[] = ['PLAN_INVALID', 'PLAN_CHANGED']

/** null: the plan has no place for the tenant there, for the reason that is added to `reasons`. */
export function ifPlaced<T>(look: () => T, reasons: string[] = []): T | null {
  try {
    return look()
  } catch (error) {
    if (!(error instanceof RehomeError && unplacedCodes.includes(error.code))) throw error
    reasons.push(error.message)
    return null
  }
}
