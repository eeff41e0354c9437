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

const thirtyDays = 30 * 24 * 3600

/** The place of a job among those of other runs. */
export function placeOf(priority: Priority): Pick<JobsOptions, 'priority' | 'lifo'> {
  if (priority === 'first') return { lifo: true }
  return priority === 'last' ? { priority: 1 } : {}
}

type JobRun = Pick<Run, 'attempts' | 'backoff_ms' | 'priority'>

function jobOptions(move: JobMove, run: JobRun): JobsOptions {
  return {
    ...(move.errand === 'move' && placeOf(run.priority)),
    jobId: jobIdOf(move),
    attempts: run.attempts,
    backoff: { type: 'exponential', delay: run.backoff_ms },
    removeOnComplete: { age: thirtyDays },
    removeOnFail: { age: thirtyDays },
  }
}

function payloadOf(move: JobMove): JobPayload {
  return { moveId: move.id, runId: move.run_id, tenantId: move.tenant_id }
}

export async function addJobs(queues: Queues, run: Run, moves: readonly JobMove[]): Promise<void> {
  for (const some of inLists(moves, () => 1, { most: 1000 })) {
    const jobs = some.map((move) => ({
      name: move.errand,
      data: payloadOf(move),
      opts: jobOptions(move, run),
    }))
    await queues.byErrand.move.addBulk(jobs)
  }
}

export interface JobWork {
  readonly run: JobRun
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
  { job, state, run, isOpen }: JobWork & { job: Job | undefined; state: string },
): Promise<void> {
  if (!job || state === 'unknown') {
    await queues.byErrand[move.errand].add(move.errand, payloadOf(move), jobOptions(move, run))
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
