/**
 * Jobs `audit` and `finalize`: what is to be done about a moved tenant's way back. And `rehearse`,
 * where whoever asked for a rehearsal has died in it.
 */
import type { Processor } from 'bullmq'
import { processErrand, type WorkerRuntime } from '../src/worker/process-errand.ts'

const errands = ['audit', 'finalize', 'rehearse'] as const

export function windowJob(runtime: WorkerRuntime): Processor {
  return async (job, token) => {
    const errand = errands.find((name) => name === job.name) ?? 'finalize'
    return await processErrand(runtime, { errand, job, token })
  }
}
