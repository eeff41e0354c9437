/** Named queries about guards that come and go: which runs may still need them. */
import type { Control } from './database.ts'

/**
 * Ids of those among the runs with an open move, a rollback window, or a tenant that has left an
 * end lately; and of those that this control database does not know, as they are another one's.
 */
export async function runsThatNeedGuards(
  { pool }: Pick<Control, 'pool'>,
  runs: readonly { readonly id: string; readonly staysMs: number }[],
): Promise<string[]> {
  const query = `select n.id from unnest($1::text[], $2::float8[]) n (id, stays_ms)
    where not exists (select from rehome_control.runs r where r.id = n.id)
      or exists (select from rehome_control.moves m where m.run_id = n.id and m.open)
      or exists (select from rehome_control.moves m
        where m.run_id = n.id and m.window_until > clock_timestamp())
      or exists (select from rehome_control.moves m where m.run_id = n.id
        and m.settled_at > clock_timestamp() - n.stays_ms * interval '1 ms')`
  const values = [runs.map(({ id }) => id), runs.map(({ staysMs }) => staysMs)]
  return (await pool.query<{ id: string }>(query, values)).rows.map(({ id }) => id)
}

/** Whether one of these moves is of this text of a plan. */
export async function areOfPlan(
  { pool }: Pick<Control, 'pool'>,
  { moves, fingerprint }: { readonly moves: readonly string[]; readonly fingerprint: string },
): Promise<boolean> {
  const query = `select exists (select from rehome_control.moves m
    join rehome_control.runs r on r.id = m.run_id
    where m.id = any ($1::uuid[]) and r.plan_fingerprint = $2) as are`
  return (await pool.query(query, [moves, fingerprint])).rows[0].are
}
