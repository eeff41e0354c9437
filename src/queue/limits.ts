/** The order of the jobs of several runs, and how many moves there are at once. */
import type { Priority } from '../control/database.ts'
import { inParallel } from '../parallel.ts'
import { ensureJob, type JobMove, type JobWork, jobIdOf, placeOf } from './jobs.ts'
import type { Queues } from './queues.ts'

const atOnce = 16
const signal = new AbortController().signal

/** Gives the waiting jobs of these moves their new place; jobs under way go on. */
export async function reorderJobs(
  queues: Queues,
  moves: readonly JobMove[],
  priority: Priority,
): Promise<void> {
  const { priority: number = 0, lifo = false } = placeOf(priority)
  // Each goes before the ones that were there, so the first of them comes last.
  for (const move of lifo ? moves.toReversed() : moves) {
    const job = await queues.byErrand[move.errand].getJob(jobIdOf(move))
    await job?.changePriority({ priority: number, lifo })
  }
}

/** After this each of these moves has a job that will run. */
export async function ensureJobs(
  queues: Queues,
  moves: readonly JobMove[],
  work: JobWork,
): Promise<void> {
  await inParallel(moves, { limit: atOnce, signal }, (move) => ensureJob(queues, move, work))
}

/** Moves at once over all workers; null: as many as the workers take. */
export async function limitMoves(queues: Queues, most: number | null): Promise<void> {
  const queue = queues.byErrand.move
  if ((await queue.getGlobalConcurrency()) === most) return
  if (most === null) await queue.removeGlobalConcurrency()
  else await queue.setGlobalConcurrency(most)
}
