/**
 * A tenant has one open move at a time, over all scopes that the move touches. A unique index
 * cannot tell: the target's scope of one move may be the source's of another. Two such moves
 * would close both ends, each for the other one.
 */
import { sql } from 'kysely'
import { RehomeError } from '../errors.ts'
import type { Control } from './database.ts'
import { busyTenants } from './moves.ts'

export interface Opening {
  readonly scopes: readonly string[]
  readonly tenants: readonly string[]
  /** The move that is opened, where it exists already. */
  readonly except?: string
}

type Tx = Pick<Control, 'db'>

/**
 * A transaction that opens moves: until it ends no other one opens any. It waits for that before
 * `work` locks any row, and keeps neither moves nor counts locked meanwhile.
 */
export function openMoves<T>({ db }: Tx, work: (tx: Tx['db']) => Promise<T>): Promise<T> {
  return db.transaction().execute(async (tx) => {
    await sql`select pg_advisory_xact_lock(hashtextextended('rehome openings', 0))`.execute(tx)
    return await work(tx)
  })
}

/** Asked within `openMoves`. Throws TENANT_BUSY. */
export async function refuseBusyTenants(
  tx: Tx,
  { scopes, tenants, except }: Opening,
): Promise<void> {
  const open = await busyTenants(tx, scopes, tenants)
  const busy = open.find(({ id }) => id !== except)
  if (!busy) return
  const tenant = JSON.stringify(busy.tenant_id)
  const message = `tenant ${tenant} is being moved by run ${busy.run_id}: wait for its end`
  throw new RehomeError('TENANT_BUSY', message, { tenant: busy.tenant_id })
}
