/** Jobs `audit` and `finalize`: what is to be done about a moved tenant's way back. */
import type { Processor } from 'bullmq'
import { processErrand, type WorkerRuntime } from '../src/worker/process-errand.ts'

export function windowJob(runtime: WorkerRuntime): Processor {
  return async (job, token) => {
    const errand = job.name === 'audit' ? 'audit' : 'finalize'
    return await processErrand(runtime, { errand, job, token })
  }
}
