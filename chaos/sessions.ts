/** Who is connected to a server and what he waits for: for the account of moves that do not end. */
import type pg from 'pg'

export async function describeSessions(
  pools: Readonly<Record<'source' | 'target' | 'control', pg.Pool>>,
): Promise<string[]> {
  const lines: string[] = []
  for (const [name, pool] of Object.entries(pools)) {
    const query = `select format('pid %s %s %s %s/%s tx %s s, state %s s, blocked by %s: %s', pid,
        application_name, state, wait_event_type, wait_event,
        round(extract(epoch from clock_timestamp() - xact_start)::numeric, 1),
        round(extract(epoch from clock_timestamp() - state_change)::numeric, 1),
        pg_blocking_pids(pid), left(regexp_replace(query, '\\s+', ' ', 'g'), 200)) as line
      from pg_stat_activity
      where backend_type = 'client backend' and pid <> pg_backend_pid()
      order by application_name, pid`
    const found = await pool
      .query<{ line: string }>(query)
      .catch((error: unknown) => ({ rows: [{ line: `cannot be asked: ${error}` }] }))
    lines.push(...found.rows.map(({ line }) => `${name}: ${line}`))
  }
  return lines
}
