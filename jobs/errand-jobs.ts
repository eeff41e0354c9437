/** The processor of one queue: each of its jobs is an errand of one move, by the job's name. */
import type { Processor } from 'bullmq'
import { type Errand, errandsIn } from '../src/errands.ts'
import { processErrand, type WorkerRuntime } from '../src/worker/process-errand.ts'

export function errandJobs(runtime: WorkerRuntime, queue: string): Processor {
  const own = errandsIn(queue)
  const errandOf = (name: string): Errand =>
    own.find((errand) => errand === name) ?? own[0] ?? 'move'
  return async (job, token) => {
    return await processErrand(runtime, { errand: errandOf(job.name), job, token })
  }
}
