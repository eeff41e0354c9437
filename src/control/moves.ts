/**
 * Named queries on moves. An attempt claims its move under a token, and every change that it makes
 * carries that token: false means that another worker has taken the move over.
 */
import { type Expression, sql } from 'kysely'
import type { Errand } from '../errands.ts'
import { storable, storableJson } from '../errors.ts'
import type { Phase, SettledPhase } from '../phases.ts'
import type { Control, Move } from './database.ts'
import { dueAfter, isHeldBack, isOnHoldText } from './steer.ts'

export async function findMove(control: Control, id: string): Promise<Move | undefined> {
  const query = control.db.selectFrom('moves').selectAll().where('id', '=', id)
  return await query.executeTakeFirst()
}

export async function movesOfRun(
  control: Control,
  runId: string,
  tenants?: readonly string[],
): Promise<Move[]> {
  let query = control.db.selectFrom('moves').selectAll().where('run_id', '=', runId)
  if (tenants) query = query.where('tenant_id', '=', sql<string>`any(${tenants})`)
  return await query.orderBy('tenant_id').execute()
}

/** At either end. */
function touches(scopes: readonly string[]) {
  return sql<boolean>`(scope = any(${scopes}) or target_scope = any(${scopes}))`
}

/** Every move of a tenant that this control database knows, also those of other runs. */
export async function movesOfTenant(
  control: Control,
  scopes: readonly string[],
  tenant: string,
): Promise<string[]> {
  const query = control.db.selectFrom('moves').select('id').where(touches(scopes))
  const rows = await query.where('tenant_id', '=', tenant).execute()
  return rows.map((row) => row.id)
}

/** Tenants among these that another run is busy with. */
export async function busyTenants(
  control: Pick<Control, 'db'>,
  scopes: readonly string[],
  tenants: readonly string[],
): Promise<Pick<Move, 'id' | 'tenant_id' | 'run_id'>[]> {
  const query = control.db.selectFrom('moves').select(['id', 'tenant_id', 'run_id'])
  return await query
    .where('open', '=', true)
    .where(touches(scopes))
    .where('tenant_id', '=', sql<string>`any(${tenants})`)
    .orderBy('tenant_id')
    .execute()
}

/** Marks a rehearsal as alive, so that it is not taken for left behind. */
export async function touchMove(
  control: Control,
  { id, token }: { id: string; token: string },
): Promise<void> {
  await control.db
    .updateTable('moves')
    .set({ updated_at: sql<Date>`clock_timestamp()` })
    .where('id', '=', id)
    .where('token', '=', token)
    .execute()
}

export interface ClaimedMove extends Move {
  /** It was held when the attempt began. */
  readonly on_hold: boolean
}

/** Begins an attempt under a new token. undefined: there is nothing to do for this errand. */
export async function claimMove(
  control: Control,
  claim: { id: string; errand: Errand; token: string },
): Promise<ClaimedMove | undefined> {
  return await control.db
    .updateTable('moves')
    .set((eb) => ({
      token: claim.token,
      turn: sql<string>`nextval('rehome_control.turns')`,
      attempt: eb('attempt', '+', 1),
      attempts_used: eb('attempts_used', '+', 1),
      gives_way: null,
      updated_at: sql<Date>`clock_timestamp()`,
    }))
    .where('id', '=', claim.id)
    .where('errand', '=', claim.errand)
    .where('open', '=', true)
    .where((eb) => eb.not(isHeldBack))
    .returningAll()
    .returning(sql.raw<boolean>(isOnHoldText()).as('on_hold'))
    .executeTakeFirst()
}

export interface MoveChange {
  readonly phase?: Phase
  readonly epoch?: string
  readonly rowsTotal?: number
  readonly rowsCopied?: number
  readonly cleanupBegun?: true
  /** For how long from now the new home logs what is written there, in ms. */
  readonly windowMs?: number
  /** Until when it does. null: it does not. */
  readonly windowUntil?: Date | null
  readonly audited?: true
  /** Why it rests between its chunks. null: it goes on. */
  readonly givesWay?: string | null
  readonly evidence?: Record<string, unknown>
  readonly message?: string
}

/** The new phase, what is known so far, and the event that tells of it. */
export async function storeProgress(
  control: Control,
  held: Held,
  change: MoveChange,
): Promise<boolean> {
  const { phase, message } = change
  const tells = phase !== undefined || message !== undefined
  const event = { kind: 'phase', phase: phase ?? null, message: message ?? `${phase} begins` }
  return await changeMove(control, held, { set: columnsOf(change), event: tells ? event : null })
}

/** An attempt that has claimed its move. */
type Held = { readonly id: string; readonly token: string; readonly attempt: number }
type Told = { readonly kind: string; readonly phase: string | null; readonly message: string }

/**
 * One statement, as tenants wait behind some of them: what changes, and the event that tells of it.
 */
async function changeMove(
  control: Control,
  held: Held,
  { set, event }: { readonly set: Record<string, unknown>; readonly event: Told | null },
): Promise<boolean> {
  const stored = control.db.with('stored', (db) =>
    db
      .updateTable('moves')
      .set({ ...set, updated_at: sql<Date>`clock_timestamp()` })
      .where('id', '=', held.id)
      .where('token', '=', held.token)
      .where('open', '=', true)
      .returning('id as move_id'),
  )
  const withEvent = stored.with('told', (db) =>
    db
      .insertInto('events')
      .columns(['move_id', 'attempt', 'kind', 'phase', 'message', 'data'])
      .expression((eb) => eb.selectFrom('stored').select(eventOf(held.attempt, event))),
  )
  const rows = await (event ? withEvent : stored).selectFrom('stored').select('move_id').execute()
  return rows.length === 1
}

/** The columns of an event, over the move that was stored. */
function eventOf(attempt: number, event: Told | null) {
  const { kind = '', phase = null, message = '' } = event ?? {}
  return [
    'move_id' as const,
    sql<number>`${attempt}::integer`.as('attempt'),
    sql<string>`${kind}::text`.as('kind'),
    sql<string | null>`${phase}::text`.as('phase'),
    sql<string>`${storable(message)}::text`.as('message'),
    sql<Record<string, unknown>>`'{}'::jsonb`.as('data'),
  ]
}

function columnsOf(
  change: MoveChange,
): Record<string, string | number | null | Expression<unknown>> {
  const { phase, epoch, rowsTotal, rowsCopied, cleanupBegun, evidence } = change
  const { windowMs, windowUntil, audited, givesWay } = change
  const pauseMs = evidence?.pauseMs
  return {
    ...(phase !== undefined && { phase }),
    ...(epoch !== undefined && { epoch }),
    ...(rowsTotal !== undefined && { rows_total: rowsTotal }),
    ...(rowsCopied !== undefined && {
      rows_copied: rowsCopied,
      // The tenant may have written more since its rows were counted.
      rows_total: sql`greatest(${rowsTotal ?? sql`rows_total`}, ${rowsCopied}::bigint)`,
    }),
    // Beside the evidence, so that a run's pauses are compared without reading all of it.
    ...(typeof pauseMs === 'number' && { pause_ms: pauseMs }),
    ...(cleanupBegun && { cleanup_begun: sql<boolean>`true` }),
    ...(windowMs !== undefined && {
      window_until:
        windowMs === 0 ? sql`null` : sql`clock_timestamp() + ${windowMs} * interval '1 ms'`,
    }),
    ...(windowUntil !== undefined && { window_until: sql`${windowUntil}::timestamptz` }),
    ...(givesWay !== undefined && { gives_way: givesWay }),
    ...(audited && { audited_at: sql`clock_timestamp()` }),
    ...(evidence !== undefined && {
      evidence: sql`evidence || ${storableJson(evidence)}::jsonb`,
    }),
  }
}

/** Is the move still this worker's? */
export async function stillHeld(
  control: Control,
  held: { id: string; token: string },
): Promise<boolean> {
  const query = control.db.selectFrom('moves').select('id').where('id', '=', held.id)
  const row = await query
    .where('token', '=', held.token)
    .where('open', '=', true)
    .executeTakeFirst()
  return row !== undefined
}

export interface Failure {
  readonly code: string
  readonly message: string
  readonly failedPhase: string
  readonly data: Record<string, unknown>
}

/** An audit reports nothing new of a move that ended long ago. */
const settledAt = sql<Date>`case when errand in ('move', 'rollback') then clock_timestamp()
  else settled_at end`

/** The errand is over, well or not. Clears the error where it went well. */
export async function settleMove(
  control: Control,
  held: Held,
  end: Omit<MoveChange, 'phase' | 'message'> & { phase: SettledPhase; failure?: Failure },
): Promise<boolean> {
  const { failure, evidence = {}, ...change } = end
  const settled = { open: false, paused: null, settled_at: settledAt }
  return await finishAttempt(control, held, {
    set: { ...columnsOf({ ...change, evidence }), ...settled },
    kind: failure ? 'failed' : 'settled',
    message: failure ? `${failure.code}: ${failure.message}` : end.phase,
    ...(failure && { failure }),
  })
}

export interface Wait {
  readonly phase: Phase
  readonly waitMs: number
  readonly failure: Failure
  readonly isAttemptKept: boolean
  /** It is held: the next attempt is due when the hold ends, as it may have meanwhile. */
  readonly isHeld: boolean
  /** It failed as the one before: it is not counted, and leaves no event. */
  readonly isRepeated: boolean
}

function nextText({ failure, waitMs }: Wait): string {
  return failure.code === 'PAUSED' ? '' : `; next attempt in ${waitMs} ms`
}

/**
 * The attempt failed in a way that may pass: the next one is due in `waitMs`. Where the attempt is
 * kept it does not count as used.
 */
export async function postponeMove(control: Control, held: Held, wait: Wait): Promise<boolean> {
  return await finishAttempt(control, held, {
    set: {
      phase: wait.phase,
      ...(wait.isAttemptKept && { attempts_used: sql`greatest(0, attempts_used - 1)` }),
      ...(wait.isRepeated && { attempt: sql`attempt - 1` }),
      not_before: dueAfter(wait),
    },
    kind: wait.isRepeated ? null : 'waiting',
    message: `${wait.failure.code}: ${wait.failure.message}${nextText(wait)}`,
    failure: wait.failure,
  })
}

async function finishAttempt(
  control: Control,
  held: Held,
  end: {
    set: Record<string, unknown>
    kind: 'failed' | 'settled' | 'waiting' | null
    message: string
    failure?: Failure
  },
): Promise<boolean> {
  const { failure, kind, message } = end
  return await changeMove(control, held, {
    set: {
      ...end.set,
      gives_way: null,
      failed_phase: failure?.failedPhase ?? null,
      error_code: failure?.code ?? null,
      error_message: failure ? storable(failure.message) : null,
      error_data: failure ? storableJson(failure.data) : null,
    },
    event: kind && { kind, phase: null, message },
  })
}
