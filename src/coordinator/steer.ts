/** Steering of runs and their tenants: stored in the control database first, then in the queue. */
import { type Expression, type SqlBool, sql } from 'kysely'
import type { Control, Priority, Run } from '../control/database.ts'
import { setServerLimit } from '../control/fleet/server-slots.ts'
import {
  type BriefMove,
  isPausedAlone,
  movesWithJob,
  type OnTenants,
  pagesOf,
  type Reached,
  type Some,
  stoppableTenants,
  stoppableWithJob,
  Tally,
} from '../control/run-moves.ts'
import {
  addRunEvent,
  isStoppable,
  type RunEventKind,
  setMovesAtOnce,
  steerRun,
} from '../control/steer.ts'
import { type Changed, callOff, pauseMoves, skipFailed } from '../control/steer-moves.ts'
import { RehomeError } from '../errors.ts'
import { ensureJobs, limitMoves, reorderJobs } from '../queue/limits.ts'
import type { Queues } from '../queue/queues.ts'
import { knownRun, knownTenants, notNow, refuseBadWave } from './errand-choice.ts'
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
  readonly onTenants?: OnTenants | undefined
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
    await drain(pauseMoves(at.control, some, { ...options, paused }))
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
  const whereRunWas = { resumedUpTo: run.wave }
  if (options.dryRun) return await wouldResume(at, { run, some, whole, alone })
  await at.queues.ready()
  const own = new Tally()
  for await (const page of alone ? pauseMoves(at.control, some, unpaused(options)) : []) {
    const moves = page.filter(({ wave }) => wave <= run.wave)
    own.add(moves)
    // Moves of a run that is paused as a whole go on below.
    if (!run.paused) await ensureJobs(at.queues, moves.filter(hasJob), { run })
  }
  const change = { paused: null }
  const wasPaused =
    whole && (await steerRun(at.control, runId, { ...options, kind: 'resumed', change }))
  if (wasPaused) {
    for await (const page of stoppableWithJob(at.control, some, whereRunWas)) {
      await ensureJobs(at.queues, page, { run })
    }
  }
  const reached = wasPaused ? await stoppableTenants(at.control, some, whereRunWas) : own.get()
  await feed(at, run.id)
  return reached
}

async function wouldResume(
  { control }: At,
  { run, some, whole, alone }: { run: Run; some: Some; whole: boolean; alone: boolean },
): Promise<Reached> {
  const own = new Tally()
  for await (const page of alone ? pagesOf(control, some, isPausedAlone) : []) {
    own.add(page.filter(({ wave }) => wave <= run.wave))
  }
  if (!whole || !run.paused) return own.get()
  const others = await stoppableTenants(control, some, { resumedUpTo: run.wave })
  const tenants = [...others.tenants, ...own.get().tenants]
  return { count: others.count + own.count, tenants }
}

async function drain(pages: Changed): Promise<void> {
  for await (const _ of pages);
}

export function hasJob({ has_job: has }: BriefMove): boolean {
  return has
}

function unpaused({ by, reason }: SteerOptions) {
  return { by, reason, paused: null }
}

/** NOT_ALLOWED_NOW: one of the tenants that are named is in another state. */
export async function refuseOthers(
  control: Control,
  some: Some,
  { allowed, otherwise }: { readonly allowed: Expression<SqlBool>; readonly otherwise: string },
): Promise<void> {
  if (!some.tenants) return
  const others = sql<SqlBool>`(${allowed}) is not true`
  for await (const [move] of pagesOf(control, { ...some, wave: undefined }, others)) {
    if (move) throw notNow(move, otherwise)
  }
}

const isUnbegun = sql<SqlBool>`${isStoppable} and epoch is null`
const isSkippable = sql<SqlBool>`(${isUnbegun}
  or not open and phase in ('failed', 'rolled_back'))`

/**
 * Leaves these tenants out of the run: those that have not begun, failed, or were rolled back.
 * They count as no failures. Refuses the request for any other.
 */
export async function skip(
  at: At,
  runId: string,
  options: SteerOptions & { readonly tenants: readonly string[] },
): Promise<Reached> {
  const { run, some } = await chosen(at, runId, options)
  const otherwise = 'only a tenant that has not begun, has failed or was rolled back can be skipped'
  await refuseOthers(at.control, some, { allowed: isSkippable, otherwise })
  const skipped = new Tally(options.onTenants)
  if (options.dryRun) {
    for await (const page of pagesOf(at.control, some, isSkippable)) skipped.add(page)
    return skipped.get()
  }
  const { by, reason } = options
  const off = callOff(at.control, some, { by, reason, code: 'SKIPPED' })
  for await (const page of off) skipped.add(page)
  for await (const page of skipFailed(at.control, some, { by, reason })) skipped.add(page)
  const { count, tenants } = skipped.get()
  await tell(at, run, { by, reason, kind: 'skipped', data: { count, tenants } })
  return { count, tenants }
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
  await reorderJobs(at.queues, await movesWithJob(at.control, { runId }), priority)
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

export async function tell(
  { control }: At,
  { id: runId }: Run,
  event: Pick<SteerOptions, 'by' | 'reason'> & {
    readonly kind: RunEventKind
    readonly data: Record<string, unknown>
  },
): Promise<void> {
  await addRunEvent(control, { ...event, runId })
}
