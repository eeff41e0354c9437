/**
 * Requests for moves of a run: try again, bring back, clean up. Each is one conditional update of a
 * page of them, so that two who ask at once, or one who asks at the wrong time, change nothing by
 * accident.
 */
import { type Expression, type SqlBool, sql } from 'kysely'
import type { AskedErrand, Errand } from '../errands.ts'
import type { RehomeError } from '../errors.ts'
import type { Phase, SettledPhase } from '../phases.ts'
import type { Control, Move } from './database.ts'
import { addEvents } from './events.ts'
import { openMoves, refuseBusyTenants } from './openings.ts'
import { type BriefMove, briefColumns } from './run-moves.ts'
import { isStoppable } from './steer.ts'
import { byTenant } from './steer-moves.ts'

export interface Asker {
  readonly by: string
  /** Why it is asked for; stored with the request. */
  readonly reason?: string | undefined
}

export interface Ask extends Asker {
  readonly errand: Errand
  readonly when: Expression<SqlBool>
  /** The phase in which the move stands again if the errand fails for good. */
  readonly fallback: SettledPhase | Expression<SettledPhase>
  readonly discardWrites?: boolean
  readonly phase?: Phase
}

/** Only a failed move. It gets all its attempts again and starts from the beginning. */
function retryOf(asker: Asker): Ask {
  const when = sql<SqlBool>`not open and phase = 'failed' and not exists (
    select from rehome_control.runs r where r.id = moves.run_id and r.rehearsal)`
  return { ...asker, errand: 'move', fallback: 'failed', phase: 'queued', when }
}

/**
 * A moved, a failed or a not yet cut over move. One that failed before it had closed the target has
 * nothing to undo: it stays failed, with its reason.
 */
function rollbackOf(asker: Asker & { readonly discardWrites: boolean }): Ask {
  // An audit changes nothing, so it is no reason to wait.
  const moved = sql<SqlBool>`(not open and phase = 'moved' or open and errand = 'audit')
    and not cleanup_begun`
  const failed = sql<SqlBool>`(not open and phase = 'failed' and epoch is not null
    or ${isStoppable})`
  const fallback = sql<SettledPhase>`case when ${moved} then 'moved' else 'failed' end`
  return { ...asker, errand: 'rollback', fallback, when: sql<SqlBool>`(${moved} or ${failed})` }
}

/**
 * A move that is not cut over yet goes back to its source. Never one that has ended meanwhile: a
 * moved tenant is brought back by a rollback alone.
 */
export function withdrawalOf(asker: Asker): Ask {
  return { ...asker, errand: 'rollback', fallback: 'failed', when: isStoppable }
}

/** An audit of a moved tenant's way back, or the end of its rollback window. */
function windowOf(errand: 'finalize' | 'audit', asker: Asker): Ask {
  const over = errand === 'finalize' ? sql`errand = 'audit'` : sql`false`
  const when = sql<SqlBool>`(not open and phase = 'moved' or open and ${over})
    and window_until is not null`
  return { ...asker, errand, fallback: 'moved', when }
}

/** Only where the tenant lives elsewhere for good: a moved move, or one rolled back. */
function cleanupOf(asker: Asker): Ask {
  const when = sql<SqlBool>`not open and phase in ('moved', 'rolled_back')
    and coalesce(window_until < clock_timestamp(), true)`
  return { ...asker, errand: 'cleanup', fallback: sql<SettledPhase>`phase`, when }
}

export function askOf(
  errand: AskedErrand,
  { by, reason, discardWrites = false }: Asker & { readonly discardWrites?: boolean | undefined },
): Ask {
  const asker = { by, reason }
  if (errand === 'retry') return retryOf(asker)
  if (errand === 'rollback') return rollbackOf({ ...asker, discardWrites })
  return errand === 'finalize' ? windowOf('finalize', asker) : cleanupOf(asker)
}

export interface AskHow {
  /**
   * false: they wait for the feeder, unless a worker is at them, as it may have fenced the tenant
   * and then leaves the fence to the next job. Default true: each is to get its job at once.
   */
  readonly hasJob?: boolean
  /**
   * Absent: those for which it is not allowed now, or whose tenants another run is busy with, are
   * passed over. Else one of them refuses all: with TENANT_BUSY, or with this error.
   */
  readonly refusal?: (move: BriefMove) => RehomeError
}

/** `has_job` false: it waits for the feeder. */
export type AskedMove = BriefMove & Pick<Move, 'has_job'>

export function withJob(moves: readonly AskedMove[]): AskedMove[] {
  return moves.filter((move) => move.has_job)
}

/** Returns those for which it was asked. None of the page is changed where it throws. */
export async function askPage(
  control: Control,
  page: readonly BriefMove[],
  { hasJob = true, refusal, ...ask }: Ask & AskHow,
): Promise<AskedMove[]> {
  const ids = page.map(({ id }) => id)
  return await openMoves(control, async (tx) => {
    const opened = await tx
      .updateTable('moves')
      .set((eb) => ({
        errand: ask.errand,
        fallback_phase: ask.fallback,
        discard_writes: ask.discardWrites ?? false,
        open: true,
        has_job: hasJob ? true : isAtWork,
        token: null,
        // A pause is about the move: what is asked for now was decided later, by a person.
        paused: null,
        attempts_used: 0,
        generation: eb('generation', '+', 1),
        not_before: sql<Date>`clock_timestamp()`,
        updated_at: sql<Date>`clock_timestamp()`,
        ...(ask.phase && { phase: ask.phase, rows_copied: '0' }),
      }))
      .where('id', '=', sql<string>`any(${ids}::uuid[])`)
      .where(ask.when)
      .where(isFree)
      .returning([...briefColumns, 'has_job'])
      .execute()
    const ours = new Set(opened.map(({ id }) => id))
    const missing = refusal && page.find(({ id }) => !ours.has(id))
    if (missing) {
      await refuseIfBusy({ db: tx }, missing, ask)
      throw refusal(missing)
    }
    await addEvents({ db: tx }, opened.map(eventOf(ask)))
    return opened.toSorted(byTenant(page))
  })
}

const isAtWork = sql<boolean>`token is not null`

/** No other move of the tenant is open, at either end. In statements on `moves`. */
const isFree = sql<SqlBool>`not exists (select from rehome_control.moves o
  where o.open and o.tenant_id = moves.tenant_id and o.id <> moves.id
    and (o.scope in (moves.scope, moves.target_scope)
      or o.target_scope in (moves.scope, moves.target_scope)))`

/** Throws TENANT_BUSY where another run keeps the request from the move. */
async function refuseIfBusy(
  tx: Pick<Control, 'db'>,
  { id }: BriefMove,
  { when }: Ask,
): Promise<void> {
  const query = tx.db.selectFrom('moves').select(['scope', 'target_scope', 'tenant_id'])
  const move = await query.where('id', '=', id).where(when).executeTakeFirst()
  if (!move) return
  const scopes = [move.scope, move.target_scope]
  await refuseBusyTenants(tx, { scopes, tenants: [move.tenant_id], except: id })
}

function eventOf({ errand, by, reason, discardWrites = false }: Ask) {
  const message = `${errand} asked for by ${by}${reason ? `: ${reason}` : ''}`
  const data = { errand, discardWrites, by, ...(reason && { reason }) }
  return ({ id: moveId, attempt }: BriefMove) => {
    return { moveId, attempt, kind: 'asked' as const, message, data }
  }
}

/** null: it is not allowed now. Throws TENANT_BUSY. */
async function askOne(control: Control, id: string, ask: Ask): Promise<BriefMove | null> {
  const query = control.db.selectFrom('moves').select(briefColumns).where('id', '=', id)
  const move = await query.executeTakeFirst()
  if (!move) return null
  const [opened] = await askPage(control, [move], ask)
  if (!opened) await refuseIfBusy(control, move, ask)
  return opened ?? null
}

export function askRetry(control: Control, id: string, asker: Asker) {
  return askOne(control, id, retryOf(asker))
}

export function askRollback(
  control: Control,
  id: string,
  asker: Asker & { readonly discardWrites: boolean },
) {
  return askOne(control, id, rollbackOf(asker))
}

export function askWithdrawal(control: Control, id: string, asker: Asker) {
  return askOne(control, id, withdrawalOf(asker))
}

export function askWindow(
  control: Control,
  id: string,
  { errand, ...asker }: Asker & { readonly errand: 'finalize' | 'audit' },
) {
  return askOne(control, id, windowOf(errand, asker))
}

export function askCleanup(control: Control, id: string, asker: Asker) {
  return askOne(control, id, cleanupOf(asker))
}
