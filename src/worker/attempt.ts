/**
 * One attempt at one errand: claims the move, lives through its story, and stores how it ended. The
 * control database decides whether there is another attempt; the queue only waits for it.
 */
import { randomUUID } from 'node:crypto'
import { Caller, callers } from '../calls.ts'
import type { Control, Errand, Move, Phase, Run } from '../control/database.ts'
import { claimMove, postponeMove, settleMove, stillHeld, touchMove } from '../control/moves.ts'
import { findRun } from '../control/runs.ts'
import { messageOf, RehomeError, storable } from '../errors.ts'
import type { Logger } from '../log.ts'
import {
  auditShard,
  cleanupShard,
  finalizeShard,
  moveShard,
  rehearseShard,
  rollbackShard,
} from '../move-shard.ts'
import type { Plan } from '../plan/plan.ts'
import { explain } from '../postgres.ts'
import { lookUp } from '../stages/context.ts'
import { unprovenOf } from '../stages/http-findings.ts'
import { createLease, type Lease } from '../stages/lease.ts'
import { retreat } from '../stages/retreat.ts'
import type { Ends, Progress, Shard } from '../stages/shard.ts'
import { holdOf, unlessAborted } from '../stages/shard.ts'
import { survey } from '../stages/survey.ts'
import { takeTurns } from '../stages/turn.ts'

/** A plan that this worker can run, and its open ends. */
export interface OpenPlan {
  readonly plan: Plan
  readonly fingerprint: string
  readonly ends: Ends
}

export interface AttemptOptions {
  readonly control: Control
  readonly plans: readonly OpenPlan[]
  readonly moveId: string
  readonly errand: Errand
  /** Aborted when the worker is to stop: the move is handed on, not failed. */
  readonly stop: AbortSignal
  readonly log: Logger
  readonly report: (progress: Progress) => void
  readonly tell: (line: string) => void
}

export type Outcome =
  | { readonly kind: 'settled'; readonly phase: Phase; readonly evidence: Record<string, unknown> }
  | { readonly kind: 'failed'; readonly error: RehomeError; readonly again: boolean }
  /** The errand was done, or called off, before this attempt. */
  | { readonly kind: 'nothing to do' }

export async function attempt(options: AttemptOptions): Promise<Outcome> {
  const { control, moveId, errand } = options
  const token = randomUUID()
  const move = await claimMove(control, { id: moveId, errand, token })
  if (!move) return { kind: 'nothing to do' }
  const run = await findRun(control, move.run_id)
  if (!run) throw new RehomeError('RUN_UNKNOWN', `run ${move.run_id} does not exist`)
  const abort = new AbortController()
  const stop = () => abort.abort(new RehomeError('STOPPED', 'the worker was told to stop'))
  options.stop.addEventListener('abort', stop, { once: true })
  if (options.stop.aborted) stop()
  const caller = new Caller(move.tenant_id, move.phase)
  abort.signal.addEventListener('abort', () => caller.end(), { once: true })
  try {
    return await callers.run(caller, live, { options, run, move, token, abort, caller })
  } finally {
    options.stop.removeEventListener('abort', stop)
  }
}

interface Claimed {
  readonly options: AttemptOptions
  readonly run: Run
  readonly move: Move
  readonly token: string
  readonly abort: AbortController
  readonly caller: Caller
}

async function live(claimed: Claimed): Promise<Outcome> {
  const { options, move, token } = claimed
  const held = { id: move.id, token, attempt: move.attempt }
  let shard: Shard | null = null
  const lease = leaseOf(claimed)
  try {
    shard = await prepare(claimed, lease)
    await takeTurns(shard)
    const phase = await stories[move.errand](shard)
    const evidence = evidenceOf(shard)
    await settleMove(options.control, held, { phase, evidence, ...windowAfter(shard) })
    options.tell(
      `${phase} · pause ${shard.evidence.pauseMs ?? shard.evidence.rollbackPauseMs ?? 0} ms`,
    )
    return { kind: 'settled', phase, evidence }
  } catch (cause) {
    return await fail(claimed, shard, explain(cause, shard?.phase ?? 'preparing'))
  } finally {
    lease?.stop()
  }
}

const stories = {
  move: moveShard,
  rollback: rollbackShard,
  audit: auditShard,
  finalize: finalizeShard,
  cleanup: cleanupShard,
  rehearse: rehearseShard,
} as const

/** What becomes of the window in which the tenant can be brought back with what it writes. */
function windowAfter({ move, plan }: Shard): { windowMs?: number; audited?: true } {
  if (move.errand === 'move') return { windowMs: plan.rollback.windowMs }
  return move.errand === 'audit' ? { audited: true } : { windowMs: 0 }
}

/** null: this worker lacks the plan. Also watches the ends while they are surveyed. */
function leaseOf({ options, run, move, token, abort }: Claimed): Lease | null {
  const known = findPlan(options.plans, run)
  if (!known) return null
  const { plan, ends } = known
  return createLease({
    leaseMs: plan.fence.leaseMs,
    budgetMs: plan.pause.budgetMs,
    ends: [ends.source, ends.target],
    async stillOurs() {
      if (move.errand === 'rehearse') await touchMove(options.control, { id: move.id, token })
      return await stillHeld(options.control, { id: move.id, token })
    },
    abort: (reason) => abort.abort(reason),
  })
}

async function prepare(claimed: Claimed, lease: Lease | null): Promise<Shard> {
  const { options, run, move, token, abort, caller } = claimed
  const { control } = options
  const known = findPlan(options.plans, run)
  if (!known || !lease) throw planChanged(options.plans, run)
  const { plan, ends } = known
  const surveyed = await unlessAborted(survey(plan, ends), abort.signal)
  const lookups = transforms(move)
    ? await unlessAborted(lookUp(plan, ends, move.tenant_id), abort.signal)
    : {}
  const ids = { run: run.id, tenant: move.tenant_id, attempt: move.attempt }
  const log = options.log.child(ids)
  return {
    plan,
    run,
    move,
    tenant: move.tenant_id,
    token,
    turn: move.turn ?? '0',
    caller,
    epoch: move.epoch ?? randomUUID(),
    ends,
    control,
    survey: surveyed,
    lookups,
    attemptLog: log,
    log,
    signal: abort.signal,
    abort: (reason) => abort.abort(reason),
    lease,
    report: options.report,
    tell: options.tell,
    unsettled: new Map(),
    evidence: {},
    phaseMs: {},
    pausedSince: null,
    phase: move.phase,
    rowsTotal: Number(move.rows_total ?? 0),
    rowsCopied: Number(move.rows_copied),
  }
}

/** Nothing else is to wait for what only transforms need. */
function transforms({ errand, phase }: Move): boolean {
  const over = phase === 'release' || phase === 'undo_release'
  return !over && errand !== 'cleanup' && errand !== 'finalize'
}

function findPlan(plans: readonly OpenPlan[], run: Run): OpenPlan | undefined {
  return plans.find(
    ({ plan, fingerprint }) => plan.name === run.plan_name && fingerprint === run.plan_fingerprint,
  )
}

function planChanged(plans: readonly OpenPlan[], run: Run): RehomeError {
  const message = !plans.some(({ plan }) => plan.name === run.plan_name)
    ? `this worker does not have plan "${run.plan_name}": start it with the plan's file`
    : `plan "${run.plan_name}" has changed since run ${run.id} was enqueued: enqueue a new run`
  return new RehomeError('PLAN_CHANGED', message)
}

function evidenceOf(shard: Shard): Record<string, unknown> {
  const { source, target } = shard.survey
  const unproven = unprovenOf(shard.survey, shard.ends)
  return {
    ...shard.evidence,
    ...(unproven.length > 0 && { unproven }),
    [`${shard.move.errand}PhaseMs`]: shard.phaseMs,
    source: { place: shard.ends.source.place, serverVersion: source.serverVersion },
    target: { place: shard.ends.target.place, serverVersion: target.serverVersion },
    planFingerprint: shard.run.plan_fingerprint,
    rehomeVersion: shard.run.rehome_version,
    enqueuedBy: shard.run.created_by,
    attempt: shard.move.attempt,
  }
}

/** From these on there is no way back, so they are tried until they are through. */
const onlyForward: readonly Phase[] = ['cutover', 'release', 'undo_cutover', 'undo_release']

async function fail(
  { options, run, move, token }: Claimed,
  shard: Shard | null,
  error: RehomeError,
): Promise<Outcome> {
  const phase = shard?.phase ?? move.phase
  const { control } = options
  const held = { id: move.id, token, attempt: move.attempt }
  const forward = onlyForward.includes(phase)
  // Nobody is left who would go on with a rehearsal.
  const stopped = error.code === 'STOPPED' && move.errand !== 'rehearse'
  const again =
    forward || stopped || (error.retryable && move.attempts_used < attemptsAt(shard, run, error))
  const waitMs = stopped ? 0 : backoff(run.backoff_ms, forward ? 1 : move.attempts_used)
  if (shard && !forward && error.code !== 'MOVE_TAKEN_OVER') {
    await lowerFence(shard, move.errand, again ? waitMs : null)
  }
  const failure = {
    code: error.code,
    message: storable(error.message),
    failedPhase: phase,
    data: error.data as Record<string, unknown>,
  }
  const ids = { run: run.id, tenant: move.tenant_id, attempt: move.attempt, phase }
  options.log.warn({ err: error, ...ids, again }, 'attempt failed')
  options.tell(`${phase} failed · ${error.code}: ${messageOf(error)}`)
  const stored = again
    ? await postponeMove(control, held, { phase: phaseToWaitIn(move, phase), waitMs, failure })
    : await settleMove(control, held, {
        phase: move.fallback_phase,
        failure,
        ...(move.errand === 'audit' && { audited: true }),
        ...withEvidence(shard),
      })
  return stored ? { kind: 'failed', error, again } : { kind: 'nothing to do' }
}

/** How often a move is tried while it fails in this way. */
function attemptsAt(shard: Shard | null, run: Run, error: RehomeError): number {
  const overBudget = error.code === 'PAUSE_OVER_BUDGET' && shard?.plan.strategy === 'online'
  return overBudget ? Math.max(run.attempts, shard.plan.pause.attempts) : run.attempts
}

/** `againInMs`: when the next attempt is due; null: there is none. */
async function lowerFence(shard: Shard, errand: Errand, againInMs: number | null): Promise<void> {
  const { strategy, fence } = shard.plan
  if (errand === 'move') {
    const captures = strategy === 'online' && againInMs !== null
    const captureMs = captures ? againInMs + fence.leaseMs + handOverMs : null
    shard.evidence.pauseMs = await retreat(shard, { end: 'source', captureMs })
  }
  if (errand === 'rollback' || errand === 'audit') {
    const heldMs = await retreat(shard, { end: 'target', captureMs: null })
    if (errand === 'rollback') shard.evidence.rollbackPauseMs = heldMs
    // It has been closed since the cutover, and stays so.
    const { flags } = shard.ends.source
    const given = flags.giveUpTarget(holdOf(shard))
    await given.catch((err: unknown) => shard.log.warn({ err }, 'the source stays claimed'))
  }
}

/** In which the next worker ought to have begun, once its time has come. */
const handOverMs = 60_000

function withEvidence(shard: Shard | null): { evidence?: Record<string, unknown> } {
  return shard ? { evidence: evidenceOf(shard) } : {}
}

/** After a retreat a move starts over; an errand past its cutover waits where it is. */
function phaseToWaitIn(move: Move, phase: Phase): Phase {
  if (onlyForward.includes(phase)) return phase
  return move.errand === 'move' ? 'queued' : move.phase
}

function backoff(baseMs: number, attempts: number): number {
  return Math.min(60_000, baseMs * 2 ** Math.max(0, attempts - 1))
}
