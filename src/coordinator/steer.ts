/** Steering of runs and their tenants: stored in the control database first, then in the queue. */
import { askRollback } from '../control/ask.ts'
import type { Control, Move, Priority, Run } from '../control/database.ts'
import { movesOfRun } from '../control/moves.ts'
import {
  addRunEvent,
  callOff,
  pauseMoves,
  type RunEventKind,
  setMovesAtOnce,
  skipFailed,
  steerRun,
  stoppableMoves,
} from '../control/steer.ts'
import { RehomeError } from '../errors.ts'
import { ensureJob } from '../queue/jobs.ts'
import { ensureJobs, limitMoves, reorderJobs } from '../queue/limits.ts'
import type { Queues } from '../queue/queues.ts'
import { chosenTenants, inWave, notNow } from './ask-errands.ts'

interface At {
  readonly control: Control
  readonly queues: Queues
}

export interface SteerOptions {
  /** Default: the whole run. */
  readonly tenants?: readonly string[] | undefined
  /** The tenants of this wave, instead of names. */
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

/** Names the tenants of a wave. Throws USAGE where the run has no such wave. */
async function named<T extends SteerOptions>(
  { control }: At,
  runId: string,
  options: T,
): Promise<T> {
  if (options.wave === undefined) return options
  const { moves } = await chosenTenants(control, runId, undefined)
  return { ...options, tenants: tenantsOf(inWave(moves, options.wave)) }
}

/**
 * No move of the run, or of these tenants, begins until it is resumed. Returns the tenants that
 * wait then. Moves past their cutover, and errands after a move, go on.
 */
export async function pause(at: At, runId: string, asked: PauseOptions): Promise<string[]> {
  const options = await named(at, runId, asked)
  const { run } = await chosenTenants(at.control, runId, options.tenants)
  const paused = options.finish ? 'finish' : 'now'
  if (!options.dryRun && options.tenants) {
    await pauseMoves(at.control, { runId, tenants: options.tenants }, { ...options, paused })
  } else if (!options.dryRun) {
    await steerRun(at.control, run.id, { ...options, kind: 'paused', change: { paused } })
  }
  return tenantsOf(await stoppableMoves(at.control, { runId, tenants: options.tenants }))
}

export interface ResumeOptions extends SteerOptions {
  /** Tenants that were paused by themselves are resumed, too. */
  readonly all?: boolean | undefined
}

/** Returns the tenants that are moved again. A tenant of a paused run: NOT_ALLOWED_NOW. */
export async function resume(at: At, runId: string, asked: ResumeOptions): Promise<string[]> {
  const options = await named(at, runId, asked)
  const { run } = await chosenTenants(at.control, runId, options.tenants)
  const { tenants, all = false } = options
  if (tenants && run.paused) {
    const message = `run "${runId}" is paused as a whole: resume it without naming tenants`
    throw new RehomeError('NOT_ALLOWED_NOW', message)
  }
  const resumes = ({ paused }: Move) => (tenants ? paused !== null : all || paused === null)
  if (options.dryRun) {
    const waiting = await stoppableMoves(at.control, { runId, tenants })
    return tenantsOf(tenants || run.paused ? waiting.filter(resumes) : [])
  }
  await at.queues.ready()
  const own =
    tenants || all ? await pauseMoves(at.control, { runId, tenants }, unpaused(options)) : []
  const change = { paused: null }
  const wasPaused =
    !tenants && (await steerRun(at.control, runId, { ...options, kind: 'resumed', change }))
  const waiting = wasPaused ? await stoppableMoves(at.control, { runId }) : own
  const moves = waiting.filter(({ paused, wave }) => paused === null && wave <= run.wave)
  await ensureJobs(at.queues, moves, { run })
  return tenantsOf(moves)
}

function unpaused({ by, reason }: SteerOptions) {
  return { by, reason, paused: null }
}

export interface Cancelled {
  /** They had changed nothing yet. */
  readonly calledOff: readonly string[]
  /** Moves under way: their tenants stay at the source, and what was copied is removed. */
  readonly takenBack: readonly string[]
  /** Moves past their cutover: they only go forward. */
  readonly forward: readonly string[]
}

/** Calls off the open moves of the run, or of these tenants. */
export async function cancel(at: At, runId: string, asked: SteerOptions): Promise<Cancelled> {
  const options = await named(at, runId, asked)
  const { run, moves } = await chosenTenants(at.control, runId, options.tenants)
  const { tenants, by } = options
  const open = moves.filter((move) => move.open && move.errand === 'move')
  if (!open[0] && tenants) throw notNow(moves[0] as Move, 'only an open move can be called off')
  const before = await stoppableMoves(at.control, { runId, tenants })
  const begun = before.filter(({ epoch }) => epoch !== null)
  const forward = tenantsOf(open).filter((tenant) => !tenantsOf(before).includes(tenant))
  if (options.dryRun) {
    const calledOff = tenantsOf(before.filter(({ epoch }) => epoch === null))
    return { calledOff, takenBack: tenantsOf(begun), forward }
  }
  await at.queues.ready()
  const calledOff = await callOff(at.control, { runId, tenants }, { ...options, code: 'CANCELLED' })
  const off = new Set(calledOff)
  const takenBack: string[] = []
  for (const move of before.filter(({ tenant_id: tenant }) => !off.has(tenant))) {
    const asked = await askRollback(at.control, move.id, { by, discardWrites: false })
    if (asked) await ensureJob(at.queues, asked, { run })
    if (asked) takenBack.push(move.tenant_id)
  }
  const left = before.filter((m) => !off.has(m.tenant_id) && !takenBack.includes(m.tenant_id))
  const data = { calledOff: calledOff.length, takenBack: takenBack.length }
  await tell(at, run, { ...options, kind: 'cancelled', data })
  return { calledOff, takenBack, forward: [...forward, ...tenantsOf(left)] }
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
  const { run, moves } = await chosenTenants(at.control, runId, options.tenants)
  const stopped = new Set(tenantsOf(await stoppableMoves(at.control, { runId, ...options })))
  const isLeft = (move: Move) =>
    move.open
      ? stopped.has(move.tenant_id) && move.epoch === null
      : move.phase === 'failed' || move.phase === 'rolled_back'
  const wrong = moves.find((move) => !isLeft(move))
  const otherwise = 'only a tenant that has not begun, has failed or was rolled back can be skipped'
  if (wrong) throw notNow(wrong, otherwise)
  if (options.dryRun) return tenantsOf(moves)
  const { tenants, by, reason } = options
  const off = await callOff(at.control, { runId, tenants }, { by, reason, code: 'SKIPPED' })
  const failed = await skipFailed(at.control, { runId, tenants }, { by, reason })
  await tell(at, run, { ...options, kind: 'skipped', data: { tenants: [...off, ...failed] } })
  return [...off, ...failed]
}

/** Whether the moves of the run come before or after those of other runs, from now on. */
export async function prioritize(
  at: At,
  runId: string,
  { priority, dryRun, ...who }: Omit<SteerOptions, 'tenants'> & { readonly priority: Priority },
): Promise<void> {
  await chosenTenants(at.control, runId, [])
  if (dryRun) return
  await at.queues.ready()
  await steerRun(at.control, runId, { ...who, kind: 'priority', change: { priority } })
  const moves = await movesOfRun(at.control, runId)
  const waiting = moves.filter(({ open, errand }) => open && errand === 'move')
  await reorderJobs(at.queues, waiting, priority)
}

/** Moves at once over all workers and runs. null: as many as the workers take. */
export async function setLimit(at: At, most: number | null): Promise<void> {
  if (most !== null && !(Number.isSafeInteger(most) && most > 0)) {
    throw new RehomeError('USAGE', `${most} moves at once are too few: the minimum is 1`)
  }
  await at.queues.ready()
  await setMovesAtOnce(at.control, most)
  await limitMoves(at.queues, most)
}

async function tell(
  { control }: At,
  run: Run,
  event: SteerOptions & { kind: RunEventKind; data: Record<string, unknown> },
): Promise<void> {
  await addRunEvent(control, { ...event, runId: run.id })
}

function tenantsOf(moves: readonly Move[]): string[] {
  return moves.map((move) => move.tenant_id)
}
