/**
 * Named queries for what dead workers leave behind at one end: fences whose lease has lapsed, and
 * ends that are still closed though the other one has been cut over. Each is one statement.
 */
import type { Client, Pool } from '../../../postgres.ts'
import type { FlagKey, Keyed } from '../../flags.ts'

/** Tenants whose fence any writer might open, or whose capture it might end, by now. */
export async function lapsedFences(pool: Pool, scope: string): Promise<string[]> {
  const query = `select tenant_id from rehome.tenant_flags
    where scope = $1 and mode in ('capturing', 'read_only') and expires_at <= clock_timestamp()`
  const { rows } = await pool.query(query, [scope])
  return rows.map((row: { tenant_id: string }) => row.tenant_id)
}

/**
 * Lowers a lapsed fence, like the first writer. false: it was renewed, taken over or removed
 * meanwhile.
 */
export async function lowerLapsed(pool: Pool, key: FlagKey): Promise<boolean> {
  const query = `
    with logs as (update rehome.tenant_flags set mode = 'capturing', expires_at = capture_until
      where scope = $1 and tenant_id = $2 and mode = 'read_only'
        and expires_at <= now() and capture_until > now() returning 1),
    opens as (delete from rehome.tenant_flags
      where scope = $1 and tenant_id = $2 and mode in ('capturing', 'read_only')
        and expires_at <= now() and coalesce(capture_until <= now(), true) returning 1)
    select from logs union all select from opens`
  return (await pool.query(query, [key.scope, key.tenant])).rowCount === 1
}

/** Closed tenants and the keys that would open them. */
export async function closedTenants(pool: Pool, scope: string): Promise<Keyed[]> {
  const query = `select tenant_id as tenant, opened_by as key from rehome.tenant_flags
    where scope = $1 and opened_by is not null`
  return (await pool.query(query, [scope])).rows
}

/** Those among them that this end has given away for good: the other one is to be open. */
export async function givenAway(
  pool: Pool,
  scope: string,
  closed: readonly Keyed[],
): Promise<Keyed[]> {
  if (closed.length === 0) return []
  const query = `select f.tenant_id as tenant, f.epoch as key from rehome.tenant_flags f
    join unnest($2::text[], $3::uuid[]) c (tenant, key)
      on f.tenant_id = c.tenant and f.epoch = c.key
    where f.scope = $1 and f.mode = 'moved'`
  const values = [scope, closed.map((one) => one.tenant), closed.map((one) => one.key)]
  return (await pool.query(query, values)).rows
}

/** Opens the end with a key, as an application may: true where this call opened the end. */
export async function openWith(
  db: Pool | Client,
  { scope, tenant, key }: FlagKey & Keyed,
): Promise<boolean> {
  const query = 'select rehome.open_with_key($1, $2, $3) as opened'
  return (await db.query(query, [scope, tenant, key])).rows[0].opened
}
