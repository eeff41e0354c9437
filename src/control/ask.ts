/**
 * Requests for single moves: try again, bring back, clean up. Each is one conditional update,
 * so that two who ask at once, or one who asks at the wrong time, change nothing by accident.
 */
import { type Expression, type SqlBool, sql } from 'kysely'
import type { Errand } from '../errands.ts'
import { messageOf, RehomeError } from '../errors.ts'
import type { Phase, SettledPhase } from '../phases.ts'
import { sqlStateOf } from '../postgres.ts'
import type { Control, Move } from './database.ts'
import { addEvents } from './events.ts'
import { openMoves, refuseBusyTenants } from './openings.ts'
import { isStoppable } from './steer.ts'

export interface Asker {
  readonly by: string
  /** Why it is asked for; stored with the request. */
  readonly reason?: string | undefined
}

interface Ask extends Asker {
  readonly errand: Errand
  readonly fallback: SettledPhase
  readonly discardWrites?: boolean
  readonly phase?: Phase
}

/** Only a failed move. It gets all its attempts again and starts from the beginning. */
export async function askRetry(control: Control, id: string, asker: Asker): Promise<Move | null> {
  const ask: Ask = { ...asker, errand: 'move', fallback: 'failed', phase: 'queued' }
  return await change(control, id, {
    ask,
    when: sql`not open and phase = 'failed' and not exists (select from rehome_control.runs r
      where r.id = moves.run_id and r.rehearsal)`,
  })
}

/**
 * A moved, a failed or a not yet cut over move. One that failed before it had closed the target has
 * nothing to undo: it stays failed, with its reason.
 */
export async function askRollback(
  control: Control,
  id: string,
  asker: Asker & { discardWrites: boolean },
): Promise<Move | null> {
  const ask = { ...asker, errand: 'rollback' } as const
  // An audit changes nothing, so it is no reason to wait.
  const moved = sql<SqlBool>`(not open and phase = 'moved' or open and errand = 'audit')
    and not cleanup_begun`
  const failed = sql<SqlBool>`(not open and phase = 'failed' and epoch is not null
    or ${isStoppable})`
  return (
    (await change(control, id, { ask: { ...ask, fallback: 'moved' }, when: moved })) ??
    (await change(control, id, { ask: { ...ask, fallback: 'failed' }, when: failed }))
  )
}

/**
 * A move that is not cut over yet goes back to its source. Never one that has ended meanwhile: a
 * moved tenant is brought back by `askRollback` alone.
 */
export async function askWithdrawal(
  control: Control,
  id: string,
  asker: Asker,
): Promise<Move | null> {
  const ask: Ask = { ...asker, errand: 'rollback', fallback: 'failed' }
  return await change(control, id, { ask, when: isStoppable })
}

/** Asks for an audit of a moved tenant's way back, or for the end of its rollback window. */
export async function askWindow(
  control: Control,
  id: string,
  { errand, ...asker }: Asker & { errand: 'finalize' | 'audit' },
): Promise<Move | null> {
  const over = errand === 'finalize' ? sql`errand = 'audit'` : sql`false`
  const when = sql<SqlBool>`(not open and phase = 'moved' or open and ${over})
    and window_until is not null`
  return await change(control, id, { ask: { ...asker, errand, fallback: 'moved' }, when })
}

/** Only where the tenant lives elsewhere for good: a moved move, or one rolled back. */
export async function askCleanup(control: Control, id: string, asker: Asker): Promise<Move | null> {
  for (const fallback of ['moved', 'rolled_back'] as const) {
    const ask: Ask = { ...asker, errand: 'cleanup', fallback }
    const when = sql<SqlBool>`not open and phase = ${fallback}
      and coalesce(window_until < clock_timestamp(), true)`
    const move = await change(control, id, { ask, when })
    if (move) return move
  }
  return null
}

async function change(
  control: Control,
  id: string,
  { ask, when }: { ask: Ask; when: Expression<SqlBool> },
): Promise<Move | null> {
  return await openMoves(control, async (tx) => {
    const move = await tx
      .updateTable('moves')
      .set((eb) => ({
        errand: ask.errand,
        fallback_phase: ask.fallback,
        discard_writes: ask.discardWrites ?? false,
        open: true,
        has_job: true,
        token: null,
        // A pause is about the move: what is asked for now was decided later, by a person.
        paused: null,
        attempts_used: 0,
        generation: eb('generation', '+', 1),
        not_before: sql<Date>`clock_timestamp()`,
        updated_at: sql<Date>`clock_timestamp()`,
        ...(ask.phase && { phase: ask.phase, rows_copied: '0' }),
      }))
      .where('id', '=', id)
      .where(when)
      .returningAll()
      .executeTakeFirst()
      .catch((error: unknown) => {
        throw sqlStateOf(error) === '23505' ? busy(error) : error
      })
    if (!move) return null
    const scopes = [move.scope, move.target_scope]
    await refuseBusyTenants({ db: tx }, { scopes, tenants: [move.tenant_id], except: move.id })
    const { errand, by, reason, discardWrites = false } = ask
    const message = `${errand} asked for by ${by}${reason ? `: ${reason}` : ''}`
    const data = { errand, discardWrites, by, ...(reason && { reason }) }
    await addEvents({ db: tx }, [
      { moveId: id, attempt: move.attempt, kind: 'asked', message, data },
    ])
    return move
  })
}

function busy(error: unknown): RehomeError {
  const message = `another run is busy with this tenant (${messageOf(error)}): wait for its end`
  return new RehomeError('TENANT_BUSY', message, { cause: error })
}
