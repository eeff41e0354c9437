/** Job `cleanup`: removes the copy that is nobody's home any more. */
import type { Processor } from 'bullmq'
import { processErrand, type WorkerRuntime } from '../src/worker/process-errand.ts'

export function cleanupJob(runtime: WorkerRuntime): Processor {
  return async (job, token) => await processErrand(runtime, { errand: 'cleanup', job, token })
}
