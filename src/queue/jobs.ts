/** What a job holds, what it is called, and how to make sure that a move has one. */
import { isDeepStrictEqual } from 'node:util'
import { type Job, type JobsOptions, UnrecoverableError } from 'bullmq'
import { z } from 'zod'
import type { Move, Run } from '../control/database.ts'
import { RehomeError, storable } from '../errors.ts'
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

/** The same for the same errand, so that adding it twice is adding it once. */
export function jobIdOf(move: Pick<Move, 'id' | 'errand' | 'generation'>): string {
  return move.errand === 'move' ? move.id : `${move.id}-${move.generation}`
}

const thirtyDays = 30 * 24 * 3600

function jobOptions(move: Move, run: Pick<Run, 'attempts' | 'backoff_ms'>): JobsOptions {
  return {
    jobId: jobIdOf(move),
    attempts: run.attempts,
    backoff: { type: 'exponential', delay: run.backoff_ms },
    removeOnComplete: { age: thirtyDays },
    removeOnFail: { age: thirtyDays },
  }
}

function payloadOf(move: Move): JobPayload {
  return { moveId: move.id, runId: move.run_id, tenantId: move.tenant_id }
}

export async function addJobs(queues: Queues, run: Run, moves: readonly Move[]): Promise<void> {
  for (let i = 0; i < moves.length; i += 1000) {
    const jobs = moves.slice(i, i + 1000).map((move) => ({
      name: move.errand,
      data: payloadOf(move),
      opts: jobOptions(move, run),
    }))
    await queues.byErrand.move.addBulk(jobs)
  }
}

/** After this the move has a job that will run. Harmless where it has one already. */
export async function ensureJob(
  queues: Queues,
  move: Move,
  run: Pick<Run, 'attempts' | 'backoff_ms'>,
): Promise<void> {
  const queue = queues.byErrand[move.errand]
  const job: Job | undefined = await queue.getJob(jobIdOf(move))
  if (!job) {
    await queue.add(move.errand, payloadOf(move), jobOptions(move, run))
    return
  }
  const state = await job.getState()
  // Somebody may have edited it; with other ids than ours it would never run.
  if (!isDeepStrictEqual(job.data, payloadOf(move))) await job.updateData(payloadOf(move))
  if (state === 'failed' || state === 'completed') {
    await job.retry(state, { resetAttemptsMade: true, resetAttemptsStarted: true })
  } else if (state === 'delayed') {
    // Due by the control database's clock: whoever delayed it may have had another.
    await job.promote()
  } else if (state === 'unknown') {
    await queue.add(move.errand, payloadOf(move), jobOptions(move, run))
  }
}

/** What the processor throws: BullMQ stores the message, so it holds no secret and no NUL. */
export function jobError({ error, again }: { error: RehomeError; again: boolean }): Error {
  const message = storable(`${error.code}: ${error.message}`.slice(0, 2000))
  return again ? new Error(message) : new UnrecoverableError(message)
}
