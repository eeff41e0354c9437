/** Job `move`: brings one tenant to its target. */
import type { Processor } from 'bullmq'
import { processErrand, type WorkerRuntime } from '../src/worker/process-errand.ts'

export function moveJob(runtime: WorkerRuntime): Processor {
  return async (job, token) => await processErrand(runtime, { errand: 'move', job, token })
}
