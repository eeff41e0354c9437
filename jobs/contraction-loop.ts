/**
 * Runs in a loop, not as a job: contracts the schemas of plans with `schema.auto` once no tenant
 * can come back to the old one.
 */
import type { Control } from '../src/control/database.ts'
import { contractIfDue } from '../src/coordinator/schema/change-schema.ts'
import type { Logger } from '../src/log.ts'
import type { OpenPlan } from '../src/worker/attempt.ts'
import { startLoop } from './loop.ts'

export interface ContractionsOptions {
  readonly control: Control
  readonly plans: readonly OpenPlan[]
  readonly log: Logger
  /** Default 60,000. */
  readonly everyMs?: number | undefined
}

/** One look at a time. Returns what ends it: between two statements, or two batches. */
export function startContractions(options: ContractionsOptions): () => Promise<void> {
  const { control, log, everyMs = 60_000 } = options
  const plans = options.plans.filter(({ plan }) => plan.schema?.auto)
  if (plans.length === 0) return async () => {}
  return startLoop(async (signal) => {
    for (const { plan, ends } of plans) {
      try {
        const changed = await contractIfDue(control, { plan, ends, signal })
        if (changed) log.info({ plan: plan.name, ran: changed.steps.length }, 'contracted')
      } catch (error) {
        if (signal.aborted) break
        log.warn({ err: error, plan: plan.name }, 'could not contract the schemas, will look again')
      }
    }
    return everyMs
  })
}
