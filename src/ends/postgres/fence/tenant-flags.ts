/**
 * Named queries on rehome.tenant_flags: one function per transition of a tenant's flag at one end.
 *
 * Each is one statement, so it is one commit. It first locks the row of the attempt's turn
 * (turns.ts), and requires the flag's token wherever the token is not what it sets: so a worker
 * that was taken over changes nothing, however late it wakes up. `null` or `false` means that the
 * row was not as expected; what that means is for the caller to decide.
 */
import type { Client, Pool } from '../../../postgres.ts'
import type { Claim, Continued, Flag, FlagKey, Hold, ModeChange, Raise } from '../../flags.ts'
import { flagColumns } from './flag-columns.ts'
import { ourTurn } from './turns.ts'

export async function readFlag(db: Pool | Client, key: FlagKey): Promise<Flag | null> {
  const query = `select ${flagColumns} from rehome.tenant_flags where scope = $1 and tenant_id = $2`
  return firstFlag(await db.query(query, [key.scope, key.tenant]))
}

/** Announces the fence. null: another's flag is there. */
export function raiseFence(pool: Pool, raise: Raise): Promise<Flag | null> {
  return announce(pool, raise, 'read_only')
}

/** Announces that changes are logged from now on. null: another's flag is there. */
export function startCapture(pool: Pool, raise: Raise): Promise<Flag | null> {
  return announce(pool, raise, 'capturing')
}

/**
 * Takes over what this same move left behind, where a fence goes on standing since it was raised,
 * and what has lapsed, and nothing else.
 */
async function announce(
  pool: Pool,
  raise: Raise,
  mode: 'read_only' | 'capturing',
): Promise<Flag | null> {
  const query = `${ourTurn}
    insert into rehome.tenant_flags as f
      (scope, tenant_id, mode, token, epoch, move_id, reason, retry_after_s, expires_at)
    select $1, $2, $9, $3::uuid, $4::uuid, $5::uuid, $6, $7::int,
      clock_timestamp() + $8 * interval '1 ms' from turn
    on conflict (scope, tenant_id) do update set
      mode = excluded.mode, token = excluded.token, epoch = excluded.epoch, move_id = excluded.move_id,
      reason = excluded.reason, retry_after_s = excluded.retry_after_s,
      capture_until = case when f.move_id = excluded.move_id then f.capture_until end,
      raised_at = case when f.mode = excluded.mode and f.move_id = excluded.move_id
        and f.expires_at > clock_timestamp() then f.raised_at else clock_timestamp() end,
      expires_at = excluded.expires_at
    where f.mode in ('capturing', 'read_only')
      and (f.move_id = excluded.move_id or f.expires_at <= clock_timestamp())
    returning ${flagColumns}`
  const { scope, tenant, token, epoch, moveId, reason, retryAfterS, leaseMs } = raise
  const values = [scope, tenant, token, epoch, moveId, reason, retryAfterS, leaseMs, mode]
  return firstFlag(await pool.query(query, values))
}

/**
 * Closes the tenant at the end that is about to receive it. `captureMs`: for how long its changes
 * are logged there once it opens; absent: they are not. `ours` are the moves of this tenant
 * that our control database knows: what they left behind may be taken over. Rows are known to be
 * ours where the end has been closed since it was this tenant's home, or was found empty.
 */
export async function claimTarget(pool: Pool, claim: Claim): Promise<Flag | null> {
  const query = `${ourTurn}
    insert into rehome.tenant_flags as f
      (scope, tenant_id, mode, token, epoch, move_id, reason, retry_after_s, opened_by, capture_ms)
    select $1, $2, 'receiving', $3::uuid, $4::uuid, $5::uuid, $6, $7::int, $4::uuid, $9 from turn
    on conflict (scope, tenant_id) do update set
      mode = 'receiving', capture_ms = excluded.capture_ms, token = excluded.token, epoch = excluded.epoch,
      move_id = excluded.move_id, reason = excluded.reason, opened_by = excluded.opened_by,
      retry_after_s = excluded.retry_after_s, raised_at = clock_timestamp(),
      rows_are_ours = f.mode = 'moved' or f.rows_are_ours
    where f.mode in ('receiving', 'moved') and f.move_id = any ($8)
    returning ${flagColumns}`
  const { scope, tenant, token, epoch, moveId, reason, retryAfterS, ours } = claim
  const values = [scope, tenant, token, epoch, moveId, reason, retryAfterS, ours, claim.captureMs]
  return firstFlag(await pool.query(query, values))
}

/** The closed end was found empty, after every writer that had been in: what comes is ours. */
export async function markRowsOurs(pool: Pool, hold: Hold): Promise<boolean> {
  const query = `${ourTurn}
    update rehome.tenant_flags set rows_are_ours = true
    where scope = $1 and tenant_id = $2 and token = $3 and mode = 'receiving'
      and exists (select from turn)`
  return wasChanged(await pool.query(query, [hold.scope, hold.tenant, hold.token]))
}

/** A new attempt continues under the fence of the one before: same epoch, new token. */
export async function takeOver(pool: Pool, change: Continued): Promise<Flag | null> {
  const query = `${ourTurn}
    update rehome.tenant_flags set token = $3::uuid,
      expires_at = case mode when 'read_only' then clock_timestamp() + $6 * interval '1 ms'
        when 'capturing' then greatest(expires_at, clock_timestamp() + $6 * interval '1 ms') end
    where scope = $1 and tenant_id = $2 and move_id = $4 and epoch = $5
      and exists (select from turn)
    returning ${flagColumns}`
  const { scope, tenant, token, moveId, epoch, leaseMs } = change
  return firstFlag(await pool.query(query, [scope, tenant, token, moveId, epoch, leaseMs]))
}

/** A later errand of the same move continues with what its earlier ones left behind. */
export async function adopt(pool: Pool, change: ModeChange): Promise<boolean> {
  const query = `${ourTurn}
    update rehome.tenant_flags set token = $3::uuid
    where scope = $1 and tenant_id = $2 and move_id = $4 and mode = $5
      and exists (select from turn)`
  const { scope, tenant, token, moveId, mode } = change
  return wasChanged(await pool.query(query, [scope, tenant, token, moveId, mode]))
}

/** Lets callers with the key open this end, which is closed as `moved`. */
export async function letOpen(pool: Pool, hold: Hold, key: string): Promise<boolean> {
  const query = `${ourTurn}
    update rehome.tenant_flags set opened_by = $4
    where scope = $1 and tenant_id = $2 and token = $3 and mode = 'moved'
      and exists (select from turn)`
  return wasChanged(await pool.query(query, [hold.scope, hold.tenant, hold.token, key]))
}

/**
 * Renews a fence or a capture. false: the first writer after the lease's end was quicker, or
 * another worker took over.
 */
export async function renewLease(pool: Pool, hold: Hold, leaseMs: number): Promise<boolean> {
  const query = `${ourTurn}
    update rehome.tenant_flags set expires_at = greatest(
      case mode when 'capturing' then capture_until end, clock_timestamp() + $4 * interval '1 ms')
    where scope = $1 and tenant_id = $2 and token = $3 and mode in ('capturing', 'read_only')
      and exists (select from turn)`
  return wasChanged(await pool.query(query, [hold.scope, hold.tenant, hold.token, leaseMs]))
}

/** The one commit after which the other end is the truth. null: the fence was gone. */
export async function markMoved(
  db: Pool | Client,
  hold: Hold,
  movedTo: string,
): Promise<Flag | null> {
  const query = `${ourTurn}
    update rehome.tenant_flags set mode = 'moved', expires_at = null, moved_to = $4,
      capture_until = null, reason = 'moved'
    where scope = $1 and tenant_id = $2 and token = $3 and mode = 'read_only'
      and exists (select from turn)
    returning ${flagColumns}`
  return firstFlag(await db.query(query, [hold.scope, hold.tenant, hold.token, movedTo]))
}

/**
 * Whatever this attempt has raised or begun here ends: writers go on. Where their changes are to be
 * logged for longer, they are. false: there was nothing of it.
 */
export async function lowerFence(pool: Pool, hold: Hold): Promise<boolean> {
  const query = `${ourTurn},
    logs as (update rehome.tenant_flags set mode = 'capturing', expires_at = capture_until
      where scope = $1 and tenant_id = $2 and token = $3 and mode in ('capturing', 'read_only')
        and capture_until > now() and exists (select from turn) returning 1),
    opens as (delete from rehome.tenant_flags
      where scope = $1 and tenant_id = $2 and token = $3 and mode in ('capturing', 'read_only')
        and coalesce(capture_until <= now(), true) and exists (select from turn) returning 1)
    select from logs union all select from opens`
  return wasChanged(await pool.query(query, [hold.scope, hold.tenant, hold.token]))
}

/**
 * The end that has received the tenant opens, and logs its changes if it was claimed so. With that
 * the attempt's turn there is over: a claim of its own that comes late must not close it again.
 */
export async function openReceived(pool: Pool, hold: Hold): Promise<boolean> {
  const query = `${ourTurn},
    logs as (update rehome.tenant_flags set mode = 'capturing', opened_by = null, moved_to = null,
        expires_at = clock_timestamp() + capture_ms * interval '1 ms',
        capture_until = clock_timestamp() + capture_ms * interval '1 ms', capture_ms = null
      where scope = $1 and tenant_id = $2 and token = $3 and mode = 'receiving'
        and capture_ms is not null and exists (select from turn) returning 1),
    opens as (delete from rehome.tenant_flags
      where scope = $1 and tenant_id = $2 and token = $3 and mode = 'receiving'
        and capture_ms is null and exists (select from turn) returning 1),
    opened as (select from logs union all select from opens),
    ended as (update rehome.turns set token = gen_random_uuid()
      where scope = $1 and tenant_id = $2 and token = $3 and exists (select from opened))
    select from opened`
  return wasChanged(await pool.query(query, [hold.scope, hold.tenant, hold.token]))
}

/** Opens this end: writers go on. Only the mode that the caller believes in is removed. */
export async function removeFlag(pool: Pool, hold: Hold, mode: Flag['mode']): Promise<boolean> {
  const query = `${ourTurn}
    delete from rehome.tenant_flags
    where scope = $1 and tenant_id = $2 and token = $3 and mode = $4 and exists (select from turn)`
  return wasChanged(await pool.query(query, [hold.scope, hold.tenant, hold.token, mode]))
}

/**
 * Gives up what `claimTarget` has claimed. An end where the tenant has lived stays closed: nothing
 * else tells those who still believe that it does. Any other opens.
 */
export async function giveUpTarget(pool: Pool, hold: Hold): Promise<boolean> {
  const back = `${ourTurn}
    update rehome.tenant_flags set mode = 'moved', reason = 'moved', opened_by = null,
      capture_ms = null
    where scope = $1 and tenant_id = $2 and token = $3 and mode = 'receiving'
      and moved_to is not null and exists (select from turn)`
  const closed = wasChanged(await pool.query(back, [hold.scope, hold.tenant, hold.token]))
  return closed || (await removeFlag(pool, hold, 'receiving'))
}

export function firstFlag(result: { rows: Flag[] }): Flag | null {
  return result.rows[0] ?? null
}

export function wasChanged(result: { rowCount: number | null }): boolean {
  return result.rowCount === 1
}
