/**
 * Steering: what a person decides about runs and moves that are under way. The control database has
 * it alone. An attempt reads it in the statement that claims its move; the worker of an attempt
 * under way looks for it every second. Each change is conditional, and stores who made it and why.
 */
import { type Expression, type SqlBool, sql } from 'kysely'
import { RehomeError, storable } from '../errors.ts'
import { beforeCutover, type Phase } from '../phases.ts'
import type { Control, Move, Pause, Priority } from './database.ts'
import { addEvents } from './events.ts'

export interface Steered {
  readonly by: string
  readonly reason?: string | undefined
}

/** A move that can still be kept from its cutover. */
const stoppable = sql<SqlBool>`open and errand = 'move' and phase = any(${beforeCutover})`

/**
 * Whether no attempt at the move may begin: it or its run is paused, or its wave has not begun. In
 * statements on `moves`.
 */
export const isHeldBack = sql<SqlBool>`(${stoppable} and (moves.paused is not null
  or exists (select from rehome_control.runs r where r.id = moves.run_id
    and (r.paused is not null or r.wave < moves.wave))))`

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

export interface NewRunEvent extends Steered {
  readonly runId: string
  readonly kind: RunEventKind
  readonly data?: Record<string, unknown>
}

export async function addRunEvent(
  control: Pick<Control, 'db'>,
  { runId, kind, by, reason, data = {} }: NewRunEvent,
): Promise<void> {
  const row = { run_id: runId, kind, by, reason: reason === undefined ? null : storable(reason) }
  const stored = JSON.stringify(data) as unknown as Record<string, unknown>
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

interface Some {
  readonly runId: string
  /** Absent: all of the run. */
  readonly tenants?: readonly string[] | undefined
}

type Changed = Pick<Move, 'id' | 'tenant_id' | 'attempt'>

/** Pauses tenants that are not cut over yet, or resumes them. Returns those that were not so. */
export async function pauseMoves(
  control: Control,
  some: Some,
  { paused, by, reason }: Steered & { paused: Pause | null },
): Promise<Move[]> {
  return await control.db.transaction().execute(async (tx) => {
    let query = tx.updateTable('moves').set({ paused }).where('run_id', '=', some.runId)
    if (some.tenants) query = query.where('tenant_id', '=', sql<string>`any(${some.tenants})`)
    const moves = await query
      .where(stoppable)
      .where(sql<SqlBool>`paused is distinct from ${paused}`)
      .returningAll()
      .execute()
    const message = withReason(`${paused ? 'paused' : 'resumed'} by ${by}`, reason)
    await tellMoves({ db: tx }, moves, { message, data: { paused, by, reason } })
    return moves
  })
}

/** Open moves of the run that are waiting to be resumed, or would wait. */
export async function stoppableMoves(control: Control, some: Some): Promise<Move[]> {
  let query = control.db.selectFrom('moves').selectAll().where('run_id', '=', some.runId)
  if (some.tenants) query = query.where('tenant_id', '=', sql<string>`any(${some.tenants})`)
  return await query.where(stoppable).orderBy('tenant_id').execute()
}

/**
 * Ends moves that have changed nothing at either end yet: no worker has to look at them again. A
 * move stores its epoch before it changes anything, under the token that is taken away here.
 */
export async function callOff(
  control: Control,
  some: Some,
  { code, by, reason }: Steered & { code: 'CANCELLED' | 'SKIPPED' },
): Promise<string[]> {
  const when = sql<SqlBool>`${stoppable} and epoch is null`
  return await settle(control, { ...some, when }, { code, by, reason })
}

/** Rolled back, also if what it had left is removed, or to be. In statements on `moves`. */
export const hasComeBack = `(phase = 'rolled_back' or fallback_phase = 'rolled_back')`

/** A move that failed or was rolled back stays as it is, and counts no longer as a failure. */
export async function skipFailed(
  control: Control,
  some: Some,
  { by, reason }: Steered,
): Promise<string[]> {
  const when = sql<SqlBool>`not open and (phase = 'failed' or ${sql.raw(hasComeBack)})
    and error_code is distinct from 'SKIPPED'`
  return await settle(control, { ...some, when }, { code: 'SKIPPED', by, reason })
}

async function settle(
  control: Control,
  { runId, tenants, when }: Some & { when: Expression<SqlBool> },
  { code, by, reason }: Steered & { code: 'CANCELLED' | 'SKIPPED' },
): Promise<string[]> {
  const { message } =
    code === 'SKIPPED'
      ? new RehomeError('SKIPPED', withReason(`skipped by ${by}`, reason))
      : new RehomeError('CANCELLED', withReason(`called off by ${by}`, reason))
  return await control.db.transaction().execute(async (tx) => {
    let query = tx.updateTable('moves').where('run_id', '=', runId)
    if (tenants) query = query.where('tenant_id', '=', sql<string>`any(${tenants})`)
    const moves = await query
      .set({
        ...{ open: false, token: null, paused: null },
        phase: sql<Phase>`case when open then 'failed' else phase end`,
        failed_phase: sql`coalesce(failed_phase, phase)`,
        error_code: code,
        error_message: sql`${message} || coalesce(' (was ' || error_code
          || coalesce(': ' || error_message, '') || ')', '')`,
        updated_at: sql<Date>`clock_timestamp()`,
      })
      .where(when)
      .returning(['id', 'tenant_id', 'attempt'])
      .execute()
    await tellMoves({ db: tx }, moves, { message: `${code}: ${message}`, data: { by, reason } })
    return moves.map((move) => move.tenant_id)
  })
}

function withReason(text: string, reason: string | undefined): string {
  return reason === undefined ? text : `${text}: ${storable(reason)}`
}

async function tellMoves(
  control: Pick<Control, 'db'>,
  moves: readonly Changed[],
  { message, data }: { message: string; data: Record<string, unknown> },
): Promise<void> {
  for (let i = 0; i < moves.length; i += 1000) {
    const some = moves.slice(i, i + 1000)
    await addEvents(
      control,
      some.map(({ id, attempt }) => ({ moveId: id, attempt, kind: 'asked', message, data })),
    )
  }
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
  const pausedNow = sql<boolean>`${stoppable} and coalesce('now' in (moves.paused, runs.paused), false)`
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
