/**
 * A tenant has one open move at a time, over all scopes that the move touches. A unique index
 * cannot say so: the target's scope of one move may be the source's of another. Two such moves
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

/**
 * Asked in the transaction that opens moves; until it ends no other one opens any. Throws
 * TENANT_BUSY.
 */
export async function refuseBusyTenants(
  tx: Pick<Control, 'db'>,
  { scopes, tenants, except }: Opening,
): Promise<void> {
  await sql`select pg_advisory_xact_lock(hashtextextended('rehome openings', 0))`.execute(tx.db)
  const open = await busyTenants(tx, scopes, tenants)
  const busy = open.find(({ id }) => id !== except)
  if (!busy) return
  const tenant = JSON.stringify(busy.tenant_id)
  const message = `tenant ${tenant} is being moved by run ${busy.run_id}: wait for its end`
  throw new RehomeError('TENANT_BUSY', message, { tenant: busy.tenant_id })
}
