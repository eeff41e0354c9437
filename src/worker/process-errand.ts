/** From a job to an attempt and back: what all three processors do. */
import { DelayedError, type Job, WaitingError } from 'bullmq'
import type { Control, Move } from '../control/database.ts'
import { findMove } from '../control/moves.ts'
import { isHeld } from '../control/steer.ts'
import { findPlannedMove, hasWorker, type PlannedMove } from '../control/workers.ts'
import type { Errand } from '../errands.ts'
import { errorCodes, RehomeError } from '../errors.ts'
import { isKeyOf } from '../known.ts'
import type { Logger } from '../log.ts'
import { toRehomeError } from '../postgres.ts'
import { jobError, jobIdOf, readPayload } from '../queue/jobs.ts'
import type { Queues } from '../queue/queues.ts'
import { attempt, type OpenPlan, type Outcome } from './attempt.ts'
import { createJobStory, type JobStory } from './job-story.ts'
import { withSlots } from './server-slots.ts'
import type { Steering } from './steering.ts'

/** Resources that a worker process has open for its jobs. */
export interface WorkerRuntime {
  readonly control: Control
  readonly plans: readonly OpenPlan[]
  readonly log: Logger
  /** Aborted when the process is to stop. */
  readonly stop: AbortSignal
  readonly steering?: Steering | undefined
  /** Asked how many jobs wait. */
  readonly queues?: Pick<Queues, 'byErrand'> | undefined
}

/**
 * Runs the errand of the job's move and returns its result in short, which Bull Board shows. A job
 * that was retried by hand, or came twice, finds nothing to do and changes nothing.
 */
export async function processErrand(
  runtime: WorkerRuntime,
  work: { errand: Errand; job: Job; token: string | undefined },
): Promise<unknown> {
  const story = createJobStory(work.job)
  try {
    const outcome = await attemptOf(runtime, work, story)
    if (outcome.kind === 'settled') story.complete()
    await story.flush()
    return await conclude(runtime, work, outcome)
  } finally {
    await story.flush()
  }
}

async function attemptOf(
  runtime: WorkerRuntime,
  { errand, job }: { errand: Errand; job: Job },
  story: JobStory,
): Promise<Outcome | OtherPlan | Full> {
  try {
    const { moveId, tenantId, runId } = readPayload(job.data)
    const move = await findPlannedMove(runtime.control, moveId)
    const ours = move?.tenant_id === tenantId && move.run_id === runId
    if (ours && isOfEarlierErrand(job.id ?? '', move)) return { kind: 'nothing to do' }
    if (!ours || job.id !== jobIdOf({ ...move, errand })) {
      throw new RehomeError(
        'UNEXPECTED',
        'the job does not belong to the move that it names: nothing is done',
      )
    }
    // Before the plan: a move that was called off waits for no worker.
    if (!move.open || move.errand !== errand) return { kind: 'nothing to do' }
    if (!hasPlan(runtime, move)) return { kind: 'of another plan', move }
    const { report, tell } = story
    const begin = () => attempt({ ...runtime, moveId, errand, report, tell })
    return (await withSlots(runtime, move, begin)) ?? { kind: 'full' }
  } catch (error) {
    const explained = toRehomeError(error, 'the control database')
    runtime.log.error({ err: error, job: job.id }, 'no attempt was begun')
    return { kind: 'failed', error: explained, again: explained.retryable }
  }
}

async function conclude(
  runtime: WorkerRuntime,
  { job, token }: { job: Job; token: string | undefined },
  outcome: Outcome | OtherPlan | Full,
): Promise<unknown> {
  if (outcome.kind === 'of another plan' || outcome.kind === 'full') {
    if (token === undefined) return { nothingToDo: true }
    const isFull = outcome.kind === 'full'
    const waitMs = isFull ? await fullMs(runtime) : await otherPlanMs(runtime, job, outcome)
    return await waitFor(job, token, waitMs)
  }
  if (outcome.kind === 'failed') {
    if (outcome.error.code === 'STOPPED' && token !== undefined) {
      // Handed back at once, without using up an attempt.
      await job.moveToWait(token)
      throw new WaitingError()
    }
    if (outcome.error.code === 'PAUSED' && token !== undefined) {
      return await waitFor(job, token, pausedJobMs)
    }
    if (outcome.again && outcome.restMs && token !== undefined) {
      await job.moveToDelayed(Date.now() + outcome.restMs, token)
      throw new DelayedError()
    }
    throw jobError(outcome)
  }
  const { moveId } = readPayload(job.data)
  if (outcome.kind === 'held') {
    if (token === undefined) return { phase: 'hold' }
    return await waitFor(job, token, outcome.waitMs)
  }
  if (outcome.kind === 'nothing to do' && token !== undefined) {
    if (await isHeld(runtime.control, moveId)) return await waitFor(job, token, pausedJobMs)
  }
  const move = outcome.kind === 'settled' ? undefined : await findMove(runtime.control, moveId)
  // A move that a person called off before it began: its job fails, too, as `status` counts it.
  if (move && isFailedMove(move, job)) throw jobError({ error: failureOf(move), again: false })
  // Few numbers: the queue may be in memory. The evidence is in the control database.
  if (outcome.kind === 'settled') {
    const { pauseMs, rollbackPauseMs } = outcome.evidence
    return { phase: outcome.phase, pauseMs, rollbackPauseMs }
  }
  await job.updateProgress({ ...Object(job.progress), progress: 100 })
  return { nothingToDo: true, phase: move?.phase }
}

function isFailedMove({ open, errand, phase }: Move, job: Job): boolean {
  return !open && errand === 'move' && job.name === errand && phase === 'failed'
}

function failureOf({ error_code: code, error_message: message }: Move): RehomeError {
  const errorCode = code !== null && isKeyOf(errorCodes, code) ? code : 'UNEXPECTED'
  return new RehomeError(errorCode, message ?? 'the move has failed')
}

/** A worker without the plan leaves the job to others. */
interface OtherPlan {
  readonly kind: 'of another plan'
  readonly move: PlannedMove
}

/** A server of the move has as many under way as it allows. */
interface Full {
  readonly kind: 'full'
}

const fullLeastMs = 1_000
/** So that all jobs that wait come back less often than 50 times a second. */
const fullMsPerJob = 20

async function fullMs({ queues }: WorkerRuntime): Promise<number> {
  const delayed = (await queues?.byErrand.move.getDelayedCount().catch(() => 0)) ?? 0
  return Math.max(fullLeastMs, delayed * fullMsPerJob) * (0.5 + Math.random() / 2)
}

function hasPlan({ plans }: WorkerRuntime, move: PlannedMove): boolean {
  return plans.some(({ fingerprint }) => fingerprint === move.plan_fingerprint)
}

/** Short at first, so that a worker that has the plan comes by soon. */
const otherPlanLeastMs = 100
const otherPlanMostMs = 5_000
/** No worker that is alive has the plan. One that comes looks after its moves by itself. */
const noPlanMs = 60_000

async function otherPlanMs(
  { control }: WorkerRuntime,
  job: Job,
  { move }: OtherPlan,
): Promise<number> {
  const isExpected = await hasWorker(control, move.plan_fingerprint).catch(() => true)
  if (!isExpected) return noPlanMs
  const doubled = otherPlanLeastMs * 2 ** Math.min(10, job.attemptsStarted)
  return Math.min(otherPlanMostMs, doubled) * (0.5 + Math.random() / 2)
}

/** So that a job of a paused move is neither done nor taken again and again. */
const pausedJobMs = 3_600_000

/** Until its move is resumed, which promotes the job; else it is looked at again. */
async function waitFor(job: Job, token: string, ms: number): Promise<never> {
  await job.moveToDelayed(Date.now() + ms, token)
  throw new DelayedError()
}

/** Somebody has asked for something else before it was begun. */
function isOfEarlierErrand(jobId: string, { id, generation }: Move): boolean {
  const number = jobId.startsWith(`${id}-`) ? jobId.slice(id.length + 1) : ''
  return /^\d+$/.test(number) && Number(number) < generation
}
