/** Faults inside a database: connections of ours are ended or disturbed, a table is held. */
import pg from 'pg'

/**
 * Each connection of rehome's with even odds, idle or not. Also those of the queue in the control
 * database, which has no other users. Returns how many were hit.
 */
export async function harmBackends(
  pool: pg.Pool,
  by: 'pg_terminate_backend' | 'pg_cancel_backend',
): Promise<number> {
  const query = `select count(${by}(pid))::int as harmed from pg_stat_activity
    where datname = current_database() and pid <> pg_backend_pid() and random() < 0.5
      and (application_name like 'rehome %' or datname = 'rehome')
      and application_name <> 'chaos' and backend_type = 'client backend'`
  return (await pool.query<{ harmed: number }>(query)).rows[0]?.harmed ?? 0
}

/** Locks a table against writers; gives up if another session holds it for a second. */
export async function lockTable(
  pool: pg.Pool,
  table: string,
  lasting: () => Promise<void>,
): Promise<void> {
  const client = await pool.connect()
  try {
    await client.query(`begin; set local lock_timeout = '1s'`)
    await client.query(`lock table ${pg.escapeIdentifier(table)} in share row exclusive mode`)
    await lasting()
  } finally {
    client.release(true)
  }
}
