/** Job `cleanup`: removes the copy at the end that the tenant has left. */
import type { Processor } from 'bullmq'
import { processErrand, type WorkerRuntime } from '../src/worker/process-errand.ts'

export function cleanupJob(runtime: WorkerRuntime): Processor {
  return async (job, token) => await processErrand(runtime, { errand: 'cleanup', job, token })
}
