/**
 * Steering: what a person decides about runs and moves that are under way. The control database has
 * it alone. An attempt reads it in the statement that claims its move; the worker of an attempt
 * under way looks for it every second. Each change is conditional, and stores who made it and why.
 */
import { type SqlBool, sql } from 'kysely'
import { storable, storableJson } from '../errors.ts'
import { beforeCutover } from '../phases.ts'
import type { Control, Pause, Priority } from './database.ts'

export interface Steered {
  readonly by: string
  readonly reason?: string | undefined
}

/** Whether a person has to complete it, or its moment has not come. */
export const isOnHoldText = (moves = 'moves') =>
  `(${moves}.held or coalesce(${moves}.complete_after > clock_timestamp(), false))`

/** When the next attempt is due; that of a held move at the latest when its hold ends. */
export function dueAfter({ waitMs, isHeld }: { waitMs: number; isHeld: boolean }) {
  const due = sql<Date>`clock_timestamp() + ${waitMs} * interval '1 ms'`
  return isHeld
    ? sql<Date>`least(${due}, case when held then ${due}
        else greatest(clock_timestamp(), complete_after) end)`
    : due
}

/** Texts of the two rules, for named queries that are texts. In statements on `moves`. */
const before = beforeCutover.map((phase) => `'${phase}'`).join(', ')
export const isStoppableText = `(moves.open and moves.errand = 'move' and moves.phase in (${before}))`
export const isHeldBackText = `(${isStoppableText} and (moves.paused is not null
  or exists (select from rehome_control.runs r where r.id = moves.run_id
    and (r.paused is not null or r.wave < moves.wave
      or r.strategy = 'offline' and ${isOnHoldText()}))))`

/**
 * The wave with which the move begins, negative where a person has to complete it. 0: nothing holds
 * it back. null: it is paused by itself. In statements on `moves m`; an index has the same words.
 */
export const gateText = `(case when m.errand <> 'move' or m.phase not in (${before}) then 0
  when m.paused is null then case when m.held then -m.wave else m.wave end end)`

/** A move that can still be kept from its cutover. In statements on `moves`. */
export const isStoppable = sql.raw<SqlBool>(isStoppableText)

/**
 * Whether no attempt at the move may begin: it or its run is paused, its wave has not begun, or it
 * is held and offline. In statements on `moves`.
 */
export const isHeldBack = sql.raw<SqlBool>(isHeldBackText)

export interface RunChange {
  readonly paused?: Pause | null
  readonly priority?: Priority
}

/** false: it was so already, and nothing is stored. */
export async function steerRun(
  control: Control,
  runId: string,
  { change, kind, by, reason }: Steered & { change: RunChange; kind: RunEventKind },
): Promise<boolean> {
  return await control.db.transaction().execute(async (tx) => {
    const changed = Object.entries(change).map(([column, value]) =>
      column === 'paused'
        ? sql<SqlBool>`paused is distinct from ${value}`
        : sql<SqlBool>`priority <> ${value}`,
    )
    const result = await tx
      .updateTable('runs')
      .set(change)
      .where('id', '=', runId)
      .where((eb) => eb.or(changed))
      .executeTakeFirst()
    if (result.numUpdatedRows !== 1n) return false
    await addRunEvent({ db: tx }, { runId, kind, by, reason, data: { ...change } })
    return true
  })
}

export type RunEventKind =
  | 'paused'
  | 'resumed'
  | 'priority'
  | 'cancelled'
  | 'skipped'
  | 'wave'
  | 'approved'
  | 'completed'
  | 'forgotten'

export interface NewRunEvent extends Steered {
  readonly runId: string
  readonly kind: RunEventKind
  readonly data?: Record<string, unknown>
}

export async function addRunEvent(
  control: Pick<Control, 'db'>,
  { runId, kind, by, reason, data = {} }: NewRunEvent,
): Promise<void> {
  const why = reason === undefined ? null : storable(reason)
  const row = { run_id: runId, kind, by: storable(by), reason: why }
  const stored = storableJson(data)
  await control.db
    .insertInto('run_events')
    .values({ ...row, data: stored })
    .execute()
}

/** The latest ones, newest first. */
export async function runEventsOf(control: Control, runId: string, most = 100) {
  const query = control.db.selectFrom('run_events').selectAll().where('run_id', '=', runId)
  return await query.orderBy('id', 'desc').limit(most).execute()
}

/** Decisions about a move that a worker is at. */
export interface Steer {
  readonly id: string
  readonly token: string | null
  /** Its attempt is to give up. Never for another errand than a move, or past the cutover. */
  readonly pausedNow: boolean
}

/** One query for all attempts of a worker. */
export async function steersOf(control: Control, ids: readonly string[]): Promise<Steer[]> {
  const pausedNow = sql<boolean>`${isStoppable}
    and coalesce('now' in (moves.paused, runs.paused), false)`
  return await control.db
    .selectFrom('moves')
    .innerJoin('runs', 'runs.id', 'moves.run_id')
    .select(['moves.id', 'moves.token', pausedNow.as('pausedNow')])
    .where('moves.id', '=', sql<string>`any(${ids}::uuid[])`)
    .execute()
}

/** Whether no attempt at this move would begin now. */
export async function isHeld(control: Control, id: string): Promise<boolean> {
  const query = control.db.selectFrom('moves').select('id').where('id', '=', id).where(isHeldBack)
  return (await query.executeTakeFirst()) !== undefined
}

/** Moves at once over all workers; null: as many as the workers take. */
export async function movesAtOnce(control: Control): Promise<number | null> {
  const query = 'select moves_at_once as most from rehome_control.installation'
  return (await control.pool.query(query)).rows[0].most
}

export async function setMovesAtOnce(control: Control, most: number | null): Promise<void> {
  await control.pool.query('update rehome_control.installation set moves_at_once = $1', [most])
}
