/**
 * One attempt at one tenant: what every stage is given. Stages are straight lines; which of them
 * run in which order is stated in move-shard.ts and its two sisters, nowhere else.
 */

import type { Caller } from '../calls.ts'
import type { Survey } from '../checks/survey.ts'
import { now, round } from '../clock.ts'
import type { Control, Evidence, Run } from '../control/database.ts'
import { type ClaimedMove, type MoveChange, storeProgress } from '../control/moves.ts'
import type { End, Ends, SqlEnd } from '../ends/end.ts'
import type { Flag, Hold } from '../ends/flags.ts'
import type { KeyList, Texts } from '../ends/tenant-rows.ts'
import { RehomeError } from '../errors.ts'
import type { Logger } from '../log.ts'
import { type Phase, percentBefore } from '../phases.ts'
import { connectionsOf } from '../plan/endpoint.ts'
import type { Plan } from '../plan/plan.ts'
import type { Route } from '../plan/routing/route.ts'
import { toRehomeError } from '../postgres.ts'
import type { Lease } from './lease.ts'
import type { Pace } from './pace.ts'

/**
 * Both ends as databases, which following by snapshots needs: `check` requires them. Throws
 * PREFLIGHT_FAILED.
 */
export function sqlEndsOf({ ends }: { readonly ends: Ends }): { source: SqlEnd; target: SqlEnd } {
  return { source: sqlEnd(ends.source), target: sqlEnd(ends.target) }
}

function sqlEnd(end: End): SqlEnd {
  if (end.sql) return end.sql
  throw new RehomeError(
    'PREFLIGHT_FAILED',
    `the ${end.name} is reached over HTTP and has no log of changes`,
  )
}

/** Progress for Bull Board's ring and the terminal. `progress` is in percent. */
export interface Progress {
  readonly progress: number
  readonly phase: Phase
  readonly rows: number
  readonly rowsTotal: number
}

/** Rows that have to be looked at once more. */
export interface Unsettled {
  /** null: all of the tenant's. */
  readonly keys: readonly Texts[] | null
  readonly gone: readonly Texts[]
}

export interface Shard {
  readonly plan: Plan
  readonly run: Run
  /** The move when this attempt claimed it. */
  readonly move: ClaimedMove
  readonly tenant: string
  /** This attempt's; under it the flags at both ends are changed. */
  readonly token: string
  /** Its number, higher than that of every attempt before. */
  readonly turn: string
  readonly caller: Caller
  /** The fence under which rows are copied. Set by `resume` or `preflight`. */
  epoch: string
  readonly ends: Ends
  /**
   * The plan's ends as this attempt's turns began there. From then on no other attempt at the
   * tenant puts a flag there or changes one; flags may still go, as where a lease lapses.
   */
  readonly flagsFound: { readonly source: Flag | null; readonly target: Flag | null }
  /** The preflight of this attempt has left no row and no progress there. */
  targetEmptied: boolean
  readonly control: Control
  readonly survey: Survey
  /** The ends are exchanged: what the tenant has written at its new home goes to the old one. */
  readonly goesBack?: boolean
  /** The data that transforms may look up: the same for all of the attempt. */
  readonly lookups: Readonly<Record<string, unknown>>
  /** A condition on the rows `r` of one end: this is only a part of the shard. */
  readonly among?: (route: Route, end: 'source' | 'target') => string
  /** The keys of the rows, by some of their columns. */
  readonly keys?: (route: Route, end: 'source' | 'target') => KeyList | undefined
  /** Table of the target → keys that broke a reference, or left one broken, while they changed. */
  readonly unsettled: Map<string, Unsettled>
  readonly attemptLog: Logger
  /** The attempt's, with the phase it is in. */
  log: Logger
  readonly signal: AbortSignal
  /** Ends the attempt: whatever runs is left alone, and only the retreat follows. */
  readonly abort: (reason: RehomeError) => void
  readonly lease: Lease
  /** Absent: nothing of the move gives way. */
  readonly pace?: Pace | undefined
  readonly report: (progress: Progress) => void
  /** Told to the job's log, line by line. */
  readonly tell: (line: string) => void
  /** Kept with the move; see docs/operations.md for its fields. */
  readonly evidence: Evidence
  readonly phaseMs: Record<string, number>
  readonly noted: Noted
  /** End and epoch → the state of the other end that it has come to; see follow/by-snapshot. */
  readonly seen: Map<string, string>
  /** When the fence was raised, by our monotonic clock; known once it is cut over. */
  pausedSince: number | null
  /**
   * The end of the log at a target that this attempt did not open itself, by the target's flag.
   * null: it keeps none, or no longer. Absent: the log began with this attempt.
   */
  loggedUntil?: Date | null
  phase: Phase
  rowsTotal: number
  rowsCopied: number
}

/** Facts of an attempt on their way to the control database. */
export interface Noted {
  /** To be stored with the next phase. */
  change: MoveChange
  /** Resolves when the last phase was stored, or could not be. */
  sent: Promise<unknown>
}

export interface Stage {
  readonly phase: Phase
  /**
   * Stored while it is under way: the ends tell by themselves that this phase is the next one, and
   * the tenant is not to wait for the control database.
   */
  readonly beginsUnstored?: true
  /** An attempt that finds the move in this phase goes on with it: it does not begin once more. */
  readonly repeats?: true
  /** No writer waits for any of it, so that all of it gives way to others. */
  readonly isPaced?: true
  run(shard: Shard): Promise<void>
}

/**
 * How much a move does at once at one end: two things keep a target with indexes busy, more would
 * only take turns. One, where not every move of the worker could do so and a connection be spare,
 * and one for a move that may have to give way.
 */
export function lanesOf({ plan, pace }: Pick<Shard, 'plan' | 'pace'>): number {
  if (pace?.isOn) return 1
  const { source, target, concurrency, strategy } = plan
  // An online move keeps one connection for its snapshot.
  const each = strategy === 'online' ? 3 : 2
  return Math.min(connectionsOf(source), connectionsOf(target)) > each * concurrency ? 2 : 1
}

export function holdOf({ plan, tenant, token }: Pick<Shard, 'plan' | 'tenant' | 'token'>): Hold {
  return { scope: plan.scope, tenant, token }
}

/**
 * Stores the phase, then lives through it, unless the attempt is ended meanwhile: no phase begins
 * in an attempt that has ended.
 */
export async function step(shard: Shard, stage: Stage): Promise<void> {
  shard.signal.throwIfAborted()
  const goesOn = stage.repeats === true && shard.move.phase === stage.phase
  const stored = goesOn
    ? Promise.resolve()
    : store(shard, { ...takeNoted(shard), phase: stage.phase })
  // The stage may be under way by then: aborting is what ends it, and nothing else would.
  shard.noted.sent = stored.catch((error) => shard.abort(toRehomeError(error, stage.phase)))
  if (!stage.beginsUnstored) await unlessAborted(stored, shard.signal)
  shard.signal.throwIfAborted()
  shard.phase = stage.phase
  shard.caller.phase = stage.phase
  shard.log = shard.attemptLog.child({ phase: stage.phase })
  const start = now()
  if (!goesOn) reportProgress(shard)
  const run = () => stage.run(shard)
  const work = () => (stage.isPaced ? givingWay(shard, run) : run())
  const live = () => unlessAborted(Promise.all([work(), stored]), shard.signal)
  await (shard.caller.trace?.phase(stage.phase, live) ?? live())
  shard.phaseMs[stage.phase] = round((shard.phaseMs[stage.phase] ?? 0) + now() - start)
  shard.log[goesOn ? 'debug' : 'info']({ ms: shard.phaseMs[stage.phase] }, 'phase done')
}

/** Does the work, which keeps no writer waiting, and gives way to others meanwhile. */
export async function givingWay<T>({ pace }: Shard, work: () => Promise<T>): Promise<T> {
  return await (pace ? pace.during(work) : work())
}

/** Has it stored when the next phase is, in the same call. */
export function note({ noted }: Shard, change: MoveChange): void {
  const evidence = { ...noted.change.evidence, ...change.evidence }
  noted.change = { ...noted.change, ...change, evidence }
}

/** Whatever is not stored yet; from now on it is the caller's to store. */
export function takeNoted({ noted }: Shard): MoveChange {
  const { change } = noted
  noted.change = {}
  return change
}

/**
 * Throws MOVE_TAKEN_OVER where another worker has claimed the move, or a person has called it off.
 */
export async function store(shard: Shard, change: MoveChange): Promise<void> {
  const held = { id: shard.move.id, token: shard.token, attempt: shard.move.attempt }
  if (await storeProgress(shard.control, held, change)) return
  throw new RehomeError('MOVE_TAKEN_OVER', `another worker has taken move ${shard.move.id} over`)
}

export async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  let stop = () => {}
  const aborted = new Promise<never>((_, reject) => {
    stop = () => reject(signal.reason)
    signal.addEventListener('abort', stop, { once: true })
  })
  if (signal.aborted) stop()
  try {
    return await Promise.race([work, aborted])
  } finally {
    signal.removeEventListener('abort', stop)
    // Should it fail later, its result is ignored.
    work.catch(() => {})
  }
}

export function reportProgress(shard: Shard): void {
  const { phase, rowsCopied: rows, rowsTotal } = shard
  const share = phase === 'copy' && rowsTotal > 0 ? (50 * rows) / rowsTotal : 0
  const progress = Math.min(99, Math.max(1, Math.round(percentBefore(phase) + share)))
  shard.report({ progress, phase, rows, rowsTotal })
}
