/**
 * Jobs `audit` and `finalize`, which act on a moved tenant's way back, and job `rehearse`, which
 * cleans up after a rehearsal whose process has died.
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
