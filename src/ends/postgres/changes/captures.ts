/**
 * Named queries on flags of tenants whose changes are logged, as those in flags.ts: while a tenant
 * moves, and for a while after it has, so that it can be brought back with what it has written.
 */
import type { Pool } from '../../../postgres.ts'
import type { Continued, Flag, Hold, Raise } from '../../flags.ts'
import { flagColumns } from '../fence/flag-columns.ts'
import { firstFlag, wasChanged } from '../fence/tenant-flags.ts'
import { ourTurn } from '../fence/turns.ts'

/**
 * Announces the fence of a tenant whose changes this attempt has logged. null: not all of them.
 * Repeating it only renews the lease.
 */
export async function fenceCaptured(
  pool: Pool,
  raise: Pick<Raise, keyof Hold | 'epoch' | 'leaseMs'>,
): Promise<Flag | null> {
  const query = `${ourTurn}
    update rehome.tenant_flags set mode = 'read_only',
      raised_at = case mode when 'read_only' then raised_at else clock_timestamp() end,
      expires_at = clock_timestamp() + $5 * interval '1 ms'
    where scope = $1 and tenant_id = $2 and token = $3 and epoch = $4 and mode in ('capturing', 'read_only')
      and exists (select from turn)
    returning ${flagColumns}`
  const { scope, tenant, token, epoch, leaseMs } = raise
  return firstFlag(await pool.query(query, [scope, tenant, token, epoch, leaseMs]))
}

/** Writers go on, and what they change is logged. Repeating it only renews the lease. */
export async function lowerToCapture(pool: Pool, hold: Hold, leaseMs: number): Promise<boolean> {
  const query = `${ourTurn}
    update rehome.tenant_flags set mode = 'capturing',
      expires_at = greatest(capture_until, clock_timestamp() + $4 * interval '1 ms')
    where scope = $1 and tenant_id = $2 and token = $3 and mode in ('capturing', 'read_only')
      and exists (select from turn)`
  return wasChanged(await pool.query(query, [hold.scope, hold.tenant, hold.token, leaseMs]))
}

/**
 * The tenant's home has logged its changes since it moved in, without a gap, and this attempt uses
 * the log: writers go on, even where an earlier attempt has died under its fence. false: the window
 * in which they are logged is over.
 */
export async function adoptCapture(pool: Pool, change: Continued): Promise<boolean> {
  const query = `${ourTurn}
    update rehome.tenant_flags set token = $3::uuid, epoch = $5, mode = 'capturing',
      expires_at = greatest(capture_until, clock_timestamp() + $6 * interval '1 ms')
    where scope = $1 and tenant_id = $2 and move_id = $4 and mode in ('capturing', 'read_only')
      and capture_until is not null and greatest(capture_until, expires_at) > clock_timestamp()
      and exists (select from turn)`
  const { scope, tenant, token, moveId, epoch, leaseMs } = change
  return wasChanged(await pool.query(query, [scope, tenant, token, moveId, epoch, leaseMs]))
}

/** Ends the rollback window. false: nothing was logged. */
export async function endCapture(
  pool: Pool,
  { scope, tenant, token, moveId }: Hold & { readonly moveId: string },
): Promise<boolean> {
  const query = `${ourTurn}
    delete from rehome.tenant_flags
    where scope = $1 and tenant_id = $2 and move_id = $4 and capture_until is not null
      and exists (select from turn)`
  return wasChanged(await pool.query(query, [scope, tenant, token, moveId]))
}
