/** Steering of runs and their tenants: stored in the control database first, then in the queue. */
import { askWithdrawal } from '../control/ask.ts'
import type { Control, Move, Priority, Run } from '../control/database.ts'
import { setServerLimit } from '../control/fleet/server-slots.ts'
import {
  type BriefMove,
  briefMoves,
  endableRollbacks,
  openMovesOf,
  pausedMoves,
  type Reached,
  reachedBy,
  type Some,
  stoppableMoves,
  stoppableTenants,
  stoppableWithJob,
} from '../control/run-moves.ts'
import { addRunEvent, type RunEventKind, setMovesAtOnce, steerRun } from '../control/steer.ts'
import { callOff, pauseMoves, skipFailed } from '../control/steer-moves.ts'
import { hasWorker } from '../control/workers.ts'
import { RehomeError } from '../errors.ts'
import { beforeCutover } from '../phases.ts'
import { ensureJob } from '../queue/jobs.ts'
import { ensureJobs, limitMoves, reorderJobs } from '../queue/limits.ts'
import type { Queues } from '../queue/queues.ts'
import { knownRun, knownTenants, notNow, refuseBadWave } from './ask-errands.ts'
import { feed } from './fleet/feed.ts'

interface At {
  readonly control: Control
  readonly queues: Queues
}

export interface SteerOptions {
  /** Default: the whole run. */
  readonly tenants?: readonly string[] | undefined
  /** Only tenants of this wave. */
  readonly wave?: number | undefined
  readonly by: string
  /** Kept with the events. */
  readonly reason?: string | undefined
  readonly dryRun?: boolean | undefined
}

export interface PauseOptions extends SteerOptions {
  /**
   * Moves under way go on to their end. Default: those that are not cut over give up; their
   * tenants' writes come back at once.
   */
  readonly finish?: boolean | undefined
}

/** Throws RUN_UNKNOWN, TENANT_UNKNOWN, TENANT_ID_INVALID, or USAGE for a wave the run lacks. */
export async function chosen(
  { control }: At,
  runId: string,
  { tenants, wave }: SteerOptions,
): Promise<{ run: Run; some: Some }> {
  const run = await knownRun(control, runId)
  refuseBadWave(run, wave)
  if (tenants) await knownTenants(control, runId, tenants)
  return { run, some: { runId, tenants, wave } }
}

function isWhole({ tenants, wave }: Some): boolean {
  return tenants === undefined && wave === undefined
}

/**
 * No move of the run, or of these tenants, begins until it is resumed. Returns the tenants that
 * wait then. Moves past their cutover, and errands after a move, go on.
 */
export async function pause(at: At, runId: string, options: PauseOptions): Promise<Reached> {
  const { some } = await chosen(at, runId, options)
  const paused = options.finish ? 'finish' : 'now'
  if (!options.dryRun && !isWhole(some)) {
    await pauseMoves(at.control, some, { ...options, paused })
  } else if (!options.dryRun) {
    await steerRun(at.control, runId, { ...options, kind: 'paused', change: { paused } })
  }
  return await stoppableTenants(at.control, some)
}

export interface ResumeOptions extends SteerOptions {
  /** Tenants that were paused by themselves are resumed, too. */
  readonly all?: boolean | undefined
}

/** Returns the tenants that are moved again. A tenant of a paused run: NOT_ALLOWED_NOW. */
export async function resume(at: At, runId: string, options: ResumeOptions): Promise<Reached> {
  const { run, some } = await chosen(at, runId, options)
  const whole = isWhole(some)
  const alone = !whole || options.all === true
  if (!whole && run.paused) {
    const message = `run "${runId}" is paused as a whole: resume it without naming tenants`
    throw new RehomeError('NOT_ALLOWED_NOW', message)
  }
  const hasBegun = ({ wave }: BriefMove) => wave <= run.wave
  const whereRunWas = { resumedUpTo: run.wave }
  if (options.dryRun) {
    const own = alone ? (await pausedMoves(at.control, some)).filter(hasBegun) : []
    if (!whole || !run.paused) return reachedBy(own)
    const others = await stoppableTenants(at.control, some, whereRunWas)
    const tenants = [...others.tenants, ...reachedBy(own).tenants]
    return { count: others.count + own.length, tenants }
  }
  await at.queues.ready()
  const own = alone ? await pauseMoves(at.control, some, unpaused(options)) : []
  const change = { paused: null }
  const wasPaused =
    whole && (await steerRun(at.control, runId, { ...options, kind: 'resumed', change }))
  const moves = wasPaused
    ? await stoppableWithJob(at.control, some, whereRunWas)
    : own.filter((move) => move.paused === null && hasBegun(move))
  const reached = wasPaused
    ? await stoppableTenants(at.control, some, whereRunWas)
    : reachedBy(moves)
  await ensureJobs(at.queues, moves.filter(hasJob), { run })
  await feed(at, run.id)
  return reached
}

export function hasJob({ has_job: has }: BriefMove): boolean {
  return has
}

function unpaused({ by, reason }: SteerOptions) {
  return { by, reason, paused: null }
}

export interface Cancelled {
  /** They had changed nothing yet, or no worker has the plan that they need. */
  readonly calledOff: readonly string[]
  /** Moves under way: their tenants stay at the source, and what was copied is removed. */
  readonly takenBack: readonly string[]
  /** Moves past their cutover: they only go forward. */
  readonly forward: readonly string[]
}

/**
 * Calls off the open moves of the run, or of these tenants; also rollbacks that have not begun, if
 * no worker has the run's plan.
 */
export async function cancel(at: At, runId: string, options: SteerOptions): Promise<Cancelled> {
  const { run, some } = await chosen(at, runId, options)
  const isOrphaned = !(await hasWorker(at.control, run.plan_fingerprint))
  const rollbacks = isOrphaned ? await endableRollbacks(at.control, some) : []
  const open = [...(await openMovesOf(at.control, some)), ...rollbacks]
  if (!open[0] && some.tenants) {
    const [move] = await briefMoves(at.control, some)
    if (move) throw notNow(move, 'only an open move can be called off')
  }
  if (options.dryRun) return endsOf(open, { isOrphaned })
  await at.queues.ready()
  const { by, reason } = options
  const calledOff = await callOff(at.control, some, { by, reason, code: 'CANCELLED', isOrphaned })
  const takenBack = await takeBack(at, run, { ...options, some })
  const off = new Set([...calledOff, ...takenBack])
  const data = { calledOff: calledOff.length, takenBack: takenBack.length }
  await tell(at, run, { ...options, kind: 'cancelled', data })
  return { calledOff, takenBack, forward: tenantsOf(open).filter((tenant) => !off.has(tenant)) }
}

/** Ends of these open moves if they were cancelled now. */
function endsOf(open: readonly BriefMove[], { isOrphaned }: { isOrphaned: boolean }): Cancelled {
  const stops = ({ errand, phase }: BriefMove) => errand !== 'move' || beforeCutover.includes(phase)
  const isOff = ({ epoch }: BriefMove) => isOrphaned || epoch === null
  const tenantsWhere = (is: (move: BriefMove) => boolean) => tenantsOf(open.filter(is))
  return {
    calledOff: tenantsWhere((move) => stops(move) && isOff(move)),
    takenBack: tenantsWhere((move) => stops(move) && !isOff(move)),
    forward: tenantsWhere((move) => !stops(move)),
  }
}

/** Moves that have begun and are not cut over, as each of them stands when it is asked. */
async function takeBack(
  { control, queues }: At,
  run: Run,
  { some, by, reason }: SteerOptions & { some: Some },
): Promise<string[]> {
  const taken: Move[] = []
  for (const { id } of await stoppableMoves(control, some)) {
    const move = await askWithdrawal(control, id, { by, reason })
    if (!move) continue
    await ensureJob(queues, move, { run })
    taken.push(move)
  }
  return tenantsOf(taken)
}

/**
 * Leaves these tenants out of the run: those that have not begun, failed, or were rolled back.
 * They count as no failures. Refuses the request for any other.
 */
export async function skip(
  at: At,
  runId: string,
  options: SteerOptions & { readonly tenants: readonly string[] },
): Promise<string[]> {
  const { run, some } = await chosen(at, runId, options)
  const moves = await briefMoves(at.control, some)
  const isLeft = ({ open, errand, phase, epoch }: BriefMove) =>
    open
      ? errand === 'move' && beforeCutover.includes(phase) && epoch === null
      : phase === 'failed' || phase === 'rolled_back'
  const wrong = moves.find((move) => !isLeft(move))
  const otherwise = 'only a tenant that has not begun, has failed or was rolled back can be skipped'
  if (wrong) throw notNow(wrong, otherwise)
  if (options.dryRun) return tenantsOf(moves)
  const { by, reason } = options
  const off = await callOff(at.control, some, { by, reason, code: 'SKIPPED' })
  const failed = await skipFailed(at.control, some, { by, reason })
  await tell(at, run, { ...options, kind: 'skipped', data: { tenants: [...off, ...failed] } })
  return [...off, ...failed]
}

/** Whether the moves of the run come before or after those of other runs, from now on. */
export async function prioritize(
  at: At,
  runId: string,
  { priority, dryRun, ...who }: Omit<SteerOptions, 'tenants'> & { readonly priority: Priority },
): Promise<void> {
  await knownRun(at.control, runId)
  if (dryRun) return
  await at.queues.ready()
  await steerRun(at.control, runId, { ...who, kind: 'priority', change: { priority } })
  await reorderJobs(at.queues, await openMovesOf(at.control, { runId, hasJob: true }), priority)
}

export interface LimitOptions {
  /** `host:port`, as `status` names the ends of a run: moves at once there, at either end. */
  readonly server?: string | undefined
}

/** Moves at once over all workers and runs. null: as many as the workers take. */
export async function setLimit(
  at: At,
  most: number | null,
  { server }: LimitOptions = {},
): Promise<void> {
  if (most !== null && !(Number.isSafeInteger(most) && most > 0 && most <= limitMost)) {
    const message = `${most} moves at once are no limit: write 1 to ${limitMost}`
    throw new RehomeError('USAGE', message)
  }
  if (server !== undefined) return await setServerLimit(at.control, server, most)
  await at.queues.ready()
  await setMovesAtOnce(at.control, most)
  await limitMoves(at.queues, most)
}

const limitMost = 10_000

async function tell(
  { control }: At,
  run: Run,
  event: SteerOptions & { kind: RunEventKind; data: Record<string, unknown> },
): Promise<void> {
  await addRunEvent(control, { ...event, runId: run.id })
}

function tenantsOf(moves: readonly Pick<Move, 'tenant_id'>[]): string[] {
  return moves.map((move) => move.tenant_id)
}
