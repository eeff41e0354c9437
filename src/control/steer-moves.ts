/**
 * Steering of the moves of a run. It may have a million of them, so they are changed in pages of
 * 1,000. Each page is stored for itself: who repeats a
 * request that was interrupted goes on with the rest.
 */
import { type Expression, type SqlBool, sql } from 'kysely'
import { RehomeError, storable } from '../errors.ts'
import type { Phase } from '../phases.ts'
import type { Control, Pause } from './database.ts'
import { addEvents } from './events.ts'
import { type BriefMove, briefColumns, isEndableRollback, pagesOf, type Some } from './run-moves.ts'
import { isStoppable, type Steered } from './steer.ts'

/** Pauses tenants that are not cut over yet, or resumes them. Yields those that were not so. */
export function pauseMoves(
  control: Control,
  some: Some,
  { paused, by, reason }: Steered & { paused: Pause | null },
): Changed {
  const message = withReason(`${paused ? 'paused' : 'resumed'} by ${by}`, reason)
  // Written so that an index finds the few that are paused.
  const differs = paused
    ? sql`moves.paused is distinct from ${paused}`
    : sql`moves.paused is not null`
  return changePages(control, some, {
    when: sql<SqlBool>`${isStoppable} and ${differs}`,
    set: { paused },
    message,
    data: { paused, by, reason },
  })
}

export interface Completing extends Steered {
  /** Also outside the windows of their tenants, from now on. */
  readonly anytime?: boolean | undefined
}

/** Held before their cutover, or before their start. In statements on `moves`. */
export function isHeldMove({ anytime = false }: Pick<Completing, 'anytime'>) {
  return sql<SqlBool>`${isStoppable}
    and (held or complete_after is not null or ${anytime} and windows is not null)`
}

/** Ends the hold of these moves: the next look at each of them is due. */
export function completeMoves(
  control: Control,
  some: Some,
  { by, reason, anytime }: Completing,
): Changed {
  const due = { held: false, complete_after: null, not_before: sql<Date>`clock_timestamp()` }
  return changePages(control, some, {
    when: isHeldMove({ anytime }),
    set: { ...due, ...(anytime && { windows: null }) },
    message: withReason(`completed by ${by}${anytime ? ', at any time' : ''}`, reason),
    data: { by, reason, anytime },
  })
}

/**
 * Ends moves that have changed nothing at either end yet: no worker has to look at them again. A
 * move stores its epoch before it changes anything, under the token that is taken away here.
 *
 * Of a run whose plan no worker has, `isOrphaned`, also moves that have begun and rollbacks that
 * have changed nothing: they would wait for ever. What they left is that of a failed move.
 */
export function callOff(
  control: Control,
  some: Some,
  {
    code,
    isOrphaned = false,
    ...who
  }: Steered & { code: 'CANCELLED' | 'SKIPPED'; isOrphaned?: boolean },
): Changed {
  const untouched = sql<SqlBool>`${isStoppable} and epoch is null`
  const orphaned = sql<SqlBool>`(${isStoppable} or ${isEndableRollback})`
  const when = isOrphaned ? orphaned : untouched
  const { by, reason } = who
  return settle(control, { ...some, when }, { code, by, reason })
}

/** Rolled back, also if what it had left is removed, or to be. In statements on `moves`. */
export const hasComeBack = `(phase = 'rolled_back' or fallback_phase = 'rolled_back')`

/** At its new home, also while that is audited, or after its window or its old copy has gone. */
export const hasMoved = `(phase in ('moved', 'audit', 'finalize', 'cleanup', 'cleaned')
  and fallback_phase <> 'rolled_back')`

/** A move that failed or was rolled back stays as it is, and counts no longer as a failure. */
export function skipFailed(control: Control, some: Some, { by, reason }: Steered): Changed {
  const when = sql<SqlBool>`not open and (phase = 'failed' or ${sql.raw(hasComeBack)})
    and error_code is distinct from 'SKIPPED'`
  return settle(control, { ...some, when }, { code: 'SKIPPED', by, reason })
}

function settle(
  control: Control,
  { when, ...some }: Some & { when: Expression<SqlBool> },
  { code, by, reason }: Steered & { code: 'CANCELLED' | 'SKIPPED' },
): Changed {
  const { message } =
    code === 'SKIPPED'
      ? new RehomeError('SKIPPED', withReason(`skipped by ${by}`, reason))
      : new RehomeError('CANCELLED', withReason(`called off by ${by}`, reason))
  return changePages(control, some, {
    when,
    set: {
      open: false,
      token: null,
      paused: null,
      phase: sql<Phase>`case when open then fallback_phase else phase end`,
      settled_at: sql<Date>`case when open then clock_timestamp() else settled_at end`,
      failed_phase: sql`coalesce(failed_phase, phase)`,
      error_code: code,
      error_message: sql`${message} || coalesce(' (was ' || error_code
        || coalesce(': ' || error_message, '') || ')', '')`,
      updated_at: sql<Date>`clock_timestamp()`,
    },
    message: `${code}: ${message}`,
    data: { by, reason },
  })
}

interface Change {
  readonly when: Expression<SqlBool>
  readonly set: Record<string, unknown>
  /** The event of each move. */
  readonly message: string
  readonly data: Record<string, unknown>
}

/** Pages of moves as they are after the change. Who does not read to the end leaves the rest. */
export type Changed = AsyncGenerator<BriefMove[]>

async function* changePages(
  control: Control,
  some: Some,
  { when, set, message, data }: Change,
): Changed {
  for await (const page of pagesOf(control, some, when)) {
    const ids = page.map(({ id }) => id)
    const moves = await control.db.transaction().execute(async (tx) => {
      const own = tx
        .updateTable('moves')
        .set(set)
        .where('id', '=', sql<string>`any(${ids}::uuid[])`)
      const done = await own.where(when).returning(briefColumns).execute()
      const attempts = done.map(({ id: moveId, attempt }) => ({ moveId, attempt }))
      await addEvents(
        { db: tx },
        attempts.map((move) => ({ ...move, kind: 'asked', message, data })),
      )
      return done
    })
    yield moves.toSorted(byTenant(page))
  }
}

/** In the order of the page, which is the database's. */
export function byTenant(page: readonly BriefMove[]): (a: BriefMove, b: BriefMove) => number {
  const place = new Map(page.map(({ id }, i) => [id, i]))
  return (a, b) => (place.get(a.id) ?? 0) - (place.get(b.id) ?? 0)
}

function withReason(text: string, reason: string | undefined): string {
  return storable(reason === undefined ? text : `${text}: ${reason}`)
}
