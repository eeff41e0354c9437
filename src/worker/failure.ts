/** How an attempt that failed ends: the tenant's writes come back first, then it is stored why. */

import { retreat } from '../attempt/retreat.ts'
import { holdOf, type Shard } from '../attempt/shard.ts'
import type { Move, Run } from '../control/database.ts'
import { postponeMove, settleMove } from '../control/moves.ts'
import { type Errand, termsOf } from '../errands.ts'
import { messageOf, type RehomeError, storable } from '../errors.ts'
import { isOnlyForward, type Phase } from '../phases.ts'
import type { Claimed, Outcome } from './claimed.ts'
import { evidenceOf } from './evidence.ts'
import { findPlan } from './plan-of-run.ts'

/** Lowers what the attempt has fenced, and stores when the next one is due, if there is one. */
export async function fail(
  { options, run, move, token }: Claimed,
  shard: Shard | null,
  error: RehomeError,
): Promise<Outcome> {
  const phase = shard?.phase ?? move.phase
  const { control } = options
  const held = { id: move.id, token, attempt: move.attempt }
  const forward = isOnlyForward(phase)
  // The rehearsal's process is gone, so it will not go on.
  const terms = termsOf(move.errand)
  // A hold may last for days, and a database may be away for longer than the attempts take.
  const outlasts = move.on_hold && phase === 'hold' && error.retryable
  const stopped = (error.code === 'STOPPED' || error.code === 'PAUSED') && terms.isHandedOn
  const isKept = stopped || outlasts
  const again =
    forward || isKept || (error.retryable && move.attempts_used < attemptsAt(shard, run, error))
  // A home that is closed is opened soon; one that is open and not published can wait.
  const isOpen = error.code === 'DIRECTORY_NOT_UPDATED'
  const leastMs = backoff(run.backoff_ms, forward && !isOpen ? 1 : move.attempts_used)
  const rest = outlasts ? holdMs(options.plans, run) : restMs(shard, error)
  const waitMs = stopped ? 0 : Math.max(leastMs, rest)
  if (shard && !forward && error.code !== 'MOVE_TAKEN_OVER') {
    await lowerFence(shard, move.errand, again ? waitMs : null)
  }
  // A phase that is stored late must not come after this.
  await shard?.noted.sent
  const failure = {
    code: error.code,
    message: storable(error.message),
    failedPhase: phase,
    data: error.data,
  }
  const ids = { run: run.id, tenant: move.tenant_id, attempt: move.attempt, phase }
  options.log.warn({ err: error, ...ids, again }, 'attempt failed')
  // Looks that fail as the one before leave no events, and are no attempts, however long that is.
  const isRepeated = outlasts && move.error_code === error.code
  if (!isRepeated) options.tell(`${phase} failed · ${error.code}: ${messageOf(error)}`)
  const stored = again
    ? await postponeMove(control, held, {
        phase: outlasts ? 'hold' : phaseToWaitIn(move, phase),
        waitMs,
        failure,
        // A worker that was stopped proves nothing about the move, and neither does a pause.
        isAttemptKept: isKept,
        isHeld: outlasts,
        isRepeated,
      })
    : await settleMove(control, held, {
        phase: move.fallback_phase,
        failure,
        ...(terms.window === 'stays' && { audited: true }),
        ...withEvidence(shard),
      })
  const later = outlasts || rest > leastMs ? { restMs: Math.max(1, waitMs) } : {}
  return stored ? { kind: 'failed', error, again, ...later } : { kind: 'nothing to do' }
}

/** Time between looks at held moves. By the run's plan: where no end answers there is no shard. */
function holdMs(plans: Claimed['options']['plans'], run: Run): number {
  return findPlan(plans, run)?.plan.hold.everyMs ?? 0
}

/** How often a move is tried while it fails in this way. */
function attemptsAt(shard: Shard | null, run: Run, error: RehomeError): number {
  const overBudget = error.code === 'PAUSE_OVER_BUDGET' && shard?.plan.strategy === 'online'
  return overBudget ? Math.max(run.attempts, shard.plan.pause.attempts) : run.attempts
}

/** `againInMs`: when the next attempt is due; null: there is none. */
async function lowerFence(shard: Shard, errand: Errand, againInMs: number | null): Promise<void> {
  const { strategy, fence } = shard.plan
  const { fences } = termsOf(errand)
  if (fences === 'source') {
    const captures = strategy === 'online' && againInMs !== null
    const captureMs = captures ? againInMs + fence.leaseMs + handOverMs : null
    shard.evidence.pauseMs = await retreat(shard, { end: 'source', captureMs })
  }
  if (fences === 'target') {
    const heldMs = await retreat(shard, { end: 'target', captureMs: null })
    if (!termsOf(errand).yields) shard.evidence.rollbackPauseMs = heldMs
    // It has been closed since the cutover, and stays so.
    const { flags } = shard.ends.source
    const answer = flags.giveUpTarget(holdOf(shard))
    await answer.catch((err: unknown) => shard.log.warn({ err }, 'the source stays claimed'))
  }
}

/** The time in which the next worker is expected to begin, once the move is due. */
export const handOverMs = 60_000

function withEvidence(shard: Shard | null): { evidence?: Record<string, unknown> } {
  return shard ? { evidence: evidenceOf(shard) } : {}
}

/** After a retreat a move starts over; an errand past its cutover waits where it is. */
function phaseToWaitIn(move: Move, phase: Phase): Phase {
  if (isOnlyForward(phase)) return phase
  return termsOf(move.errand).startsOver ? 'queued' : move.phase
}

function backoff(baseMs: number, attempts: number): number {
  return Math.min(60_000, baseMs * 2 ** Math.max(0, attempts - 1))
}

/** Keeps a tenant whose move is tried again and again fenced for a fifth of the time at most. */
function restMs(shard: Shard | null, { code }: RehomeError): number {
  const inVain = code === 'DRAIN_TIMEOUT' || code === 'PAUSE_OVER_BUDGET'
  return inVain ? Math.min(60_000, 4 * Math.ceil(shard?.lease.heldMs() ?? 0)) : 0
}
