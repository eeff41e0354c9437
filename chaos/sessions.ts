/**
 * Sessions of a server and what they wait for: for the account of moves that do not end, and
 * of writes that wait.
 */
import { setTimeout as delay } from 'node:timers/promises'
import type pg from 'pg'
import { type Ends, endNames } from './tenants.ts'
import type { Waits } from './writers/waits.ts'

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

/** Looks at both ends twice a second, and tells whom writers wait for. Ends with `signal`. */
export async function watchBlockers(pools: Ends<pg.Pool>, waits: Waits, signal: AbortSignal) {
  while (!signal.aborted) {
    await delay(500, undefined, { signal }).catch(() => {})
    for (const end of endNames) {
      const { rows } = await pools[end].query(blockers).catch(() => ({ rows: [] }))
      for (const { session } of rows) waits.see(end, session)
    }
  }
}

/** Process 0 is a prepared transaction. */
const blockers = `select distinct format('%s %s (%s): %s', coalesce(b.application_name, 'prepared'), p.pid,
    b.state, left(regexp_replace(b.query, '\\s+', ' ', 'g'), 120)) as session
  from pg_stat_activity w cross join lateral unnest(pg_blocking_pids(w.pid)) p (pid)
  left join pg_stat_activity b on b.pid = p.pid
  where w.application_name = 'task tracker' and w.wait_event_type = 'Lock'
    and w.query_start < clock_timestamp() - interval '1 s'`
