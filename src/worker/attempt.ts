/**
 * One attempt at one errand: claims the move, lives through its story, and stores how it ended. The
 * control database decides whether there is another attempt; the queue only waits for it.
 */
import { randomUUID } from 'node:crypto'
import { lookUp } from '../attempt/context.ts'
import { createLease, type Lease } from '../attempt/lease.ts'
import { type Shard, takeNoted, unlessAborted } from '../attempt/shard.ts'
import { takeTurns } from '../attempt/turn.ts'
import { Caller, callers } from '../calls.ts'
import { nameSchemaChange } from '../checks/schema-changes.ts'
import { survey } from '../checks/survey.ts'
import type { Move } from '../control/database.ts'
import { claimMove, type MoveChange, settleMove, stillHeld, touchMove } from '../control/moves.ts'
import { findRunOfMove } from '../control/runs/runs.ts'
import { loadSharedIds } from '../copying/shared-ids.ts'
import { endsOfMove } from '../ends/move-ends.ts'
import { termsOf } from '../errands.ts'
import { RehomeError } from '../errors.ts'
import { stories } from '../move-shard.ts'
import { allOf } from '../parallel.ts'
import { isOnlyForward } from '../phases.ts'
import { toRehomeError } from '../postgres.ts'
import { type AttemptResult, traceAttempt } from '../traces.ts'
import type { AttemptOptions, Claimed, Outcome } from './claimed.ts'
import { evidenceOf } from './evidence.ts'
import { fail } from './failure.ts'
import { guardedSurvey } from './guarded-survey.ts'
import { leaveHeld } from './leave-held.ts'
import { oldSchemaIsGone, settleGone } from './old-schema.ts'
import { paceOf } from './pace-of.ts'
import { findPlan, planChanged } from './plan-of-run.ts'

export type { AttemptOptions, OpenPlan, Outcome } from './claimed.ts'

export async function attempt(options: AttemptOptions): Promise<Outcome> {
  const { control, moveId, errand } = options
  const token = randomUUID()
  const [move, run] = await allOf([
    claimMove(control, { id: moveId, errand, token }),
    findRunOfMove(control, moveId),
  ])
  if (!move) return { kind: 'nothing to do' }
  if (!run) throw new RehomeError('RUN_UNKNOWN', `run ${move.run_id} does not exist`)
  const abort = new AbortController()
  const spans = traceAttempt({
    errand,
    plan: run.plan_name,
    run: run.id,
    tenant: move.tenant_id,
    attempt: move.attempt,
  })
  const caller = new Caller(move.tenant_id, move.phase, spans)
  abort.signal.addEventListener('abort', () => caller.end(), { once: true })
  const heed = heedStop(options.stop, { abort, caller })
  const unwatch = options.steering?.watch({
    moveId,
    token,
    phase: () => caller.phase,
    abort: (reason) => abort.abort(reason),
  })
  try {
    const outcome = await callers.run(caller, live, { options, run, move, token, abort, caller })
    spans?.end(resultOf(outcome))
    return outcome
  } finally {
    spans?.end()
    unwatch?.()
    heed.end()
  }
}

function resultOf(outcome: Outcome): AttemptResult {
  return {
    kind: outcome.kind,
    ...(outcome.kind === 'settled' && { phase: outcome.phase }),
    ...(outcome.kind === 'failed' && { error: outcome.error.code }),
  }
}

/** The time that an attempt past its cutover may take once its worker has to stop, in ms. */
const finishMs = 8_000

/** Ends the attempt with its worker. Past the cutover it has this long to open the new home. */
function heedStop(stop: AbortSignal, { abort, caller }: Pick<Claimed, 'abort' | 'caller'>) {
  let timer: NodeJS.Timeout | undefined
  const end = () => abort.abort(new RehomeError('STOPPED', 'the worker is shutting down'))
  const heed = () => {
    if (isOnlyForward(caller.phase)) timer = setTimeout(end, finishMs)
    else end()
  }
  stop.addEventListener('abort', heed, { once: true })
  if (stop.aborted) heed()
  return {
    end() {
      clearTimeout(timer)
      stop.removeEventListener('abort', heed)
    },
  }
}

async function live(claimed: Claimed): Promise<Outcome> {
  const { options, move, token, abort } = claimed
  const held = { id: move.id, token, attempt: move.attempt }
  let shard: Shard | null = null
  let lease: Lease | null = null
  try {
    lease = leaseOf(claimed)
    if (lease && (await oldSchemaIsGone(claimed))) return await settleGone(claimed)
    shard = await prepare(claimed, lease)
    // Whatever is awaited in there ends with the attempt, whichever server has stopped to answer.
    const phase = await unlessAborted(stories[move.errand](shard), abort.signal)
    if (phase === 'hold') return await leaveHeld(claimed, shard)
    const evidence = evidenceOf(shard)
    const noted = takeNoted(shard)
    await settleMove(options.control, held, {
      ...noted,
      phase,
      evidence: { ...noted.evidence, ...evidence },
      ...windowAfter(shard),
    })
    options.tell(
      `${phase} · pause ${shard.evidence.pauseMs ?? shard.evidence.rollbackPauseMs ?? 0} ms`,
    )
    return { kind: 'settled', phase, evidence }
  } catch (cause) {
    const error = toRehomeError(cause, shard?.phase ?? 'preparing')
    return await fail(claimed, shard, shard ? await nameSchemaChange(error, shard) : error)
  } finally {
    lease?.stop()
    shard?.pace?.end()
  }
}

/** The state of the rollback window after this errand. */
function windowAfter(shard: Shard): Pick<MoveChange, 'windowMs' | 'windowUntil' | 'audited'> {
  const { move, plan, loggedUntil } = shard
  const { window } = termsOf(move.errand)
  if (window === 'stays') return { audited: true }
  // An attempt that opened the target before may have met a router that was away for days.
  if (window === 'opens' && loggedUntil !== undefined) return { windowUntil: loggedUntil }
  return { windowMs: window === 'opens' ? plan.rollback.windowMs : 0 }
}

/** null: this worker lacks the plan. Also watches the ends while they are surveyed. */
function leaseOf({ options, run, move, token, abort }: Claimed): Lease | null {
  const entry = findPlan(options.plans, run)
  if (!entry) return null
  const { plan } = entry
  const ends = endsOfMove(entry.ends, move)
  return createLease({
    leaseMs: plan.fence.leaseMs,
    budgetMs: plan.pause.budgetMs,
    ends: [ends.source, ends.target],
    async stillOurs() {
      if (!termsOf(move.errand).isHandedOn) await touchMove(options.control, { id: move.id, token })
      return await stillHeld(options.control, { id: move.id, token })
    },
    abort: (reason) => abort.abort(reason),
  })
}

async function prepare(claimed: Claimed, lease: Lease | null): Promise<Shard> {
  const { options, run, move, token, abort, caller } = claimed
  const { control } = options
  const entry = findPlan(options.plans, run)
  if (!entry || !lease) throw planChanged(options.plans, run)
  const { plan } = entry
  const ends = endsOfMove(entry.ends, move)
  const turn = move.turn ?? '0'
  const taken = takeTurns({ plan, tenant: move.tenant_id, token, turn, ends })
  const surveys =
    plan.guards === 'while moving'
      ? taken.then((flags) =>
          raisesFences(move, flags)
            ? guardedSurvey({ plan, ends, run, control })
            : survey(plan, ends),
        )
      : survey(plan, ends)
  const begun = allOf([surveys, taken])
  const [surveyed, flagsFound] = await unlessAborted(begun, abort.signal)
  const ofRun = { plan, run, tenant: move.tenant_id, ends, survey: surveyed }
  await unlessAborted(loadSharedIds(ofRun), abort.signal)
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
    turn,
    caller,
    epoch: move.epoch ?? randomUUID(),
    ends,
    flagsFound,
    targetEmptied: false,
    control,
    survey: surveyed,
    lookups,
    attemptLog: log,
    log,
    signal: abort.signal,
    abort: (reason) => abort.abort(reason),
    lease,
    pace: paceOf(claimed, { plan, ends }),
    report: options.report,
    tell: options.tell,
    unsettled: new Map(),
    seen: new Map(),
    evidence: {},
    phaseMs: {},
    noted: { change: {}, sent: Promise.resolve() },
    pausedSince: null,
    phase: move.phase,
    rowsTotal: Number(move.rows_total ?? 0),
    rowsCopied: Number(move.rows_copied),
  }
}

/** Whether it may raise a fence, or log changes. What only ends one needs no guards, nor waits. */
function raisesFences(
  { errand, phase, fallback_phase: before }: Move,
  { source, target }: Shard['flagsFound'],
): boolean {
  // The phase of a cutover is stored before its commit: where the flag is another, all begins anew.
  const hasCutOver = phase.startsWith('undo_') ? target?.mode === 'moved' : source?.mode === 'moved'
  const onlyEnds = phase === 'release' || phase === 'undo_release'
  if (onlyEnds || (isOnlyForward(phase) && hasCutOver)) return false
  if (termsOf(errand).fences === null) return false
  const hasLeft = before === 'moved' || source?.mode === 'moved' || source?.mode === 'receiving'
  return errand !== 'rollback' || hasLeft
}

/** Nothing else is to wait for what only transforms need. */
function transforms({ errand, phase }: Move): boolean {
  const over = phase === 'release' || phase === 'undo_release'
  return !over && termsOf(errand).transforms
}
