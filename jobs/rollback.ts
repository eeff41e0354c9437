/** Job `rollback`: brings one tenant back. */
import type { Processor } from 'bullmq'
import { processErrand, type WorkerRuntime } from '../src/worker/process-errand.ts'

export function rollbackJob(runtime: WorkerRuntime): Processor {
  return async (job, token) => await processErrand(runtime, { errand: 'rollback', job, token })
}
