/** Jobs: their content, their names, and how to make sure that a move has one. */
import { isDeepStrictEqual } from 'node:util'
import { type Job, type JobsOptions, UnrecoverableError } from 'bullmq'
import { z } from 'zod'
import type { Move, Priority, Run } from '../control/database.ts'
import { RehomeError, storable } from '../errors.ts'
import { inLists } from '../parallel.ts'
import type { Queues } from './queues.ts'

/** Ids only: never rows, never credentials. Anybody may have edited it, so it is checked. */
const payload = z.strictObject({
  moveId: z.uuid(),
  runId: z.string().max(200),
  tenantId: z.string().max(1024),
})

export type JobPayload = z.infer<typeof payload>

/** Throws UNEXPECTED where a job's data is not what we put there. */
export function readPayload(data: unknown): JobPayload {
  const parsed = payload.safeParse(data)
  if (parsed.success) return parsed.data
  throw new RehomeError(
    'UNEXPECTED',
    `the job's data was changed: ${parsed.error.issues[0]?.message}`,
  )
}

/** Columns of a move from which its job is made. */
export type JobMove = Pick<Move, 'id' | 'run_id' | 'tenant_id' | 'errand' | 'generation'>

/** The id is equal for equal errands, so that adding a job twice is adding it once. */
export function jobIdOf(move: Pick<Move, 'id' | 'errand' | 'generation'>): string {
  return move.errand === 'move' ? move.id : `${move.id}-${move.generation}`
}

const dayS = 24 * 3600

/**
 * Ended jobs that the queue keeps, for people who look at it. Everything about their moves is in
 * the control database, and a queue in memory is not to grow with the number of tenants.
 */
const kept = {
  removeOnComplete: { age: dayS, count: 1_000 },
  removeOnFail: { age: 7 * dayS, count: 10_000 },
}

/** BullMQ's largest priority. Jobs of the smallest come first, and those without one before all. */
const lastRank = 2_097_151

/**
 * The place of a job among those of other runs. Jobs that come together take turns with those that
 * wait: the first one is next, as the next one of every other run is. So no run waits for all of
 * another one, however large that is.
 */
export function placeOf(priority: Priority, rank: number): Pick<JobsOptions, 'priority' | 'lifo'> {
  if (priority === 'first') return { lifo: true }
  if (priority === 'last') return { priority: lastRank }
  return rank === 0 ? {} : { priority: Math.min(rank, lastRank - 1) }
}

/** The rank of the job that is next. */
export async function nextRank({ byErrand }: Pick<Queues, 'byErrand'>): Promise<number> {
  const [next] = await byErrand.move.getPrioritized(0, 0)
  const rank = next?.priority ?? 0
  return rank < lastRank ? rank : 0
}

export interface JobRun extends Pick<Run, 'attempts' | 'backoff_ms' | 'priority'> {
  /** Jobs of the run that wait already: further ones come behind them. Default 0. */
  readonly ahead?: number | undefined
}

/** Before all jobs of other runs, and yet behind those of its own. */
function placeIn({ priority, ahead = 0 }: JobRun, rank: number) {
  return priority === 'first' && ahead > 0 ? {} : placeOf(priority, rank)
}

function jobOptions(move: JobMove, { run, rank = 0 }: JobWork): JobsOptions {
  return {
    ...(move.errand === 'move' && placeIn(run, rank)),
    jobId: jobIdOf(move),
    attempts: run.attempts,
    backoff: { type: 'exponential', delay: run.backoff_ms },
    ...kept,
  }
}

function payloadOf(move: JobMove): JobPayload {
  return { moveId: move.id, runId: move.run_id, tenantId: move.tenant_id }
}

/** In this order. */
export async function addJobs(
  queues: Queues,
  run: JobRun,
  moves: readonly JobMove[],
): Promise<void> {
  const { ahead = 0, priority } = run
  const first = (await nextRank(queues)) + ahead
  const jobs = moves.map((move, i) => ({
    name: move.errand,
    data: payloadOf(move),
    opts: jobOptions(move, { run, rank: first + i }),
  }))
  // Each goes before the ones that were there, so the first of them comes last.
  const ordered = priority === 'first' && ahead === 0 ? jobs.toReversed() : jobs
  for (const some of inLists(ordered, () => 1, { most: 1000 })) {
    await queues.byErrand.move.addBulk(some)
  }
}

/** Jobs of moves that are listed at once: some 200 kB of ids. */
const listedMax = 5_000

/** Ids of jobs that wait for a worker, of moves. Asked for in one call. */
export async function waitingJobIds(queues: Queues): Promise<ReadonlySet<string>> {
  return new Set(await queues.byErrand.move.getRanges(['wait', 'prioritized'], 0, listedMax - 1))
}

export interface JobWork {
  readonly run: JobRun
  /** Default: before all that wait. */
  readonly rank?: number | undefined
  /** Asked of a move that was read a while ago, before its ended job runs again. Absent: it is. */
  readonly isOpen?: (() => Promise<boolean>) | undefined
}

/** Looks at a job that workers change meanwhile. */
const looksMax = 5

/** After this the move has a job that will run. Harmless where it has one already. */
export async function ensureJob(queues: Queues, move: JobMove, work: JobWork): Promise<void> {
  for (let looks = 1; ; looks += 1) {
    const job: Job | undefined = await queues.byErrand[move.errand].getJob(jobIdOf(move))
    const state = job ? await job.getState() : 'unknown'
    try {
      return await reviveJob(queues, move, { ...work, job, state })
    } catch (error) {
      // A worker may have taken, ended or removed the job since its state was read.
      if (!job || looks >= looksMax || (await job.getState()) === state) throw error
    }
  }
}

async function reviveJob(
  queues: Queues,
  move: JobMove,
  { job, state, isOpen, ...work }: JobWork & { job: Job | undefined; state: string },
): Promise<void> {
  if (!job || state === 'unknown') {
    await queues.byErrand[move.errand].add(move.errand, payloadOf(move), jobOptions(move, work))
    return
  }
  const isOver = state === 'failed' || state === 'completed'
  // A worker stores that a move is over before its job ends, so this answer is not too old.
  if (isOver && isOpen && !(await isOpen())) return
  // Somebody may have edited it; with other ids than ours it would never run.
  if (!isDeepStrictEqual(job.data, payloadOf(move))) await job.updateData(payloadOf(move))
  if (isOver) {
    await job.retry(state, { resetAttemptsMade: true, resetAttemptsStarted: true })
  } else if (state === 'delayed') {
    // Due by the control database's clock: the delaying process may have had another one.
    await job.promote()
  }
}

/**
 * The error that the processor throws: BullMQ stores its message, so it holds no secret and no NUL.
 */
export function jobError({ error, again }: { error: RehomeError; again: boolean }): Error {
  const message = storable(`${error.code}: ${error.message}`.slice(0, 2000))
  return again ? new Error(message) : new UnrecoverableError(message)
}
