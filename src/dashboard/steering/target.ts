/** Whom a decision is about: a whole run, one of its waves, or one tenant; and its address. */
import { nameIn, refuseOthers, wholeNumberIn } from '../fields.ts'
import type { StepName } from './steps.ts'

export interface Target {
  readonly tenant?: string | undefined
  readonly wave?: number | undefined
}

export function targetPath(step: StepName, runId: string, { tenant, wave }: Target = {}): string {
  const query = new URLSearchParams({
    ...(tenant !== undefined && { tenant }),
    ...(wave !== undefined && { wave: String(wave) }),
  })
  const text = query.size === 0 ? '' : `?${query}`
  return `/steer/${encodeURIComponent(runId)}/${step}${text}`
}

/**
 * From a query. Throws USAGE where a field cannot be read: without it, it would be the whole run.
 * A wave that the run lacks is left to the product to refuse.
 */
export function readTarget(query: unknown): Target {
  refuseOthers(Object.keys(Object(query)), ['tenant', 'wave'])
  const [tenant, wave] = [nameIn(query, 'tenant'), wholeNumberIn(query, 'wave')]
  return { ...(tenant !== undefined && { tenant }), ...(wave !== undefined && { wave }) }
}
