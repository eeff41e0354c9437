/** The order of the jobs of several runs, and how many moves there are at once. */
import type { Priority } from '../control/database.ts'
import { inParallel } from '../parallel.ts'
import { ensureJob, type JobMove, type JobWork, jobIdOf, nextRank, placeOf } from './jobs.ts'
import type { Queues } from './queues.ts'

const atOnce = 16
const signal = new AbortController().signal

/**
 * Gives the waiting jobs of these moves their new place among those of other runs; jobs under way
 * go on. Among each other they keep about their order.
 */
export async function reorderJobs(
  queues: Queues,
  moves: readonly JobMove[],
  priority: Priority,
): Promise<void> {
  const first = await nextRank(queues)
  const places = moves.map((move, i) => ({ move, ...placeOf(priority, first + i) }))
  // Each goes before the ones that were there, so the first of them comes last.
  const ordered = priority === 'first' ? places.toReversed() : places
  await inParallel(ordered, { limit: atOnce, signal }, async ({ move, ...place }) => {
    const { priority: number = 0, lifo = false } = place
    const job = await queues.byErrand[move.errand].getJob(jobIdOf(move))
    await job?.changePriority({ priority: number, lifo }).catch(async (error: unknown) => {
      // A worker has ended it since, and it was removed.
      if ((await job.getState()) !== 'unknown') throw error
    })
  })
}

/** After this each of these moves has a job that will run, new ones in this order. */
export async function ensureJobs(
  queues: Queues,
  moves: readonly JobMove[],
  work: Omit<JobWork, 'rank'>,
): Promise<void> {
  if (moves.length === 0) return
  const first = await nextRank(queues)
  const ranked = moves.map((move, i) => ({ move, rank: first + i }))
  await inParallel(ranked, { limit: atOnce, signal }, ({ move, rank }) =>
    ensureJob(queues, move, { ...work, rank }),
  )
}

/** Moves at once over all workers; null: as many as the workers take. */
export async function limitMoves(queues: Queues, most: number | null): Promise<void> {
  const queue = queues.byErrand.move
  if ((await queue.getGlobalConcurrency()) === most) return
  if (most === null) await queue.removeGlobalConcurrency()
  else await queue.setGlobalConcurrency(most)
}
