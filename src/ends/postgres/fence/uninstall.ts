/** Removes the fence from one end: triggers, functions, flags. */
import { endIfIdle, inTransaction } from '../../../postgres.ts'
import { failedAt, type SqlEnd } from '../../end.ts'

export async function fenceIsInstalled(end: SqlEnd): Promise<boolean> {
  const query = `select to_regclass('rehome.tenant_flags') is not null as installed`
  const result = await end.pool.query(query).catch(failedAt(end))
  return result.rows[0].installed
}

const count = `select count(*)::int as n from (
  select tenant_id from rehome.tenant_flags union select tenant_id from rehome.quarantine) t`

/**
 * Counts tenants that may not be written there, for now or for good, or that have quarantined rows.
 */
export async function standingFlags(end: SqlEnd): Promise<number> {
  return (await end.pool.query(count)).rows[0].n
}

/**
 * ACCESS EXCLUSIVE on each guarded table for an instant, with a short lock_timeout. Returns how
 * many tenants are closed there, and removes nothing where that is more than `closed`.
 */
export async function uninstallFence(end: SqlEnd, closed: number): Promise<number> {
  const triggers = `
    select format('drop trigger %I on %s', t.tgname, t.tgrelid::regclass) as statement
    from pg_trigger t join pg_proc p on p.oid = t.tgfoid
    where p.pronamespace = to_regnamespace('rehome') and t.tgparentid = 0`
  return await inTransaction(end.pool, async (client) => {
    await endIfIdle(client)
    await client.query(`set local lock_timeout = '2s'`)
    await client.query('lock table rehome.tenant_flags in access exclusive mode')
    const standing: number = (await client.query(count)).rows[0].n
    if (standing > closed) return standing
    for (const { statement } of (await client.query(triggers)).rows) await client.query(statement)
    await client.query('drop schema rehome, rehome_log cascade')
    return standing
  }).catch(failedAt(end))
}
