/** Named query for the removal of guards: which runs may still need them. */
import type { Control } from './database.ts'

/**
 * Those among the runs with an open move or a rollback window; and those that this control database
 * does not know, as they are another one's.
 */
export async function runsThatNeedGuards(
  { pool }: Pick<Control, 'pool'>,
  runs: readonly string[],
): Promise<string[]> {
  const query = `select n.id from unnest($1::text[]) n (id)
    where not exists (select from rehome_control.runs r where r.id = n.id)
      or exists (select from rehome_control.moves m where m.run_id = n.id and m.open)
      or exists (select from rehome_control.moves m
        where m.run_id = n.id and m.window_until > clock_timestamp())`
  return (await pool.query<{ id: string }>(query, [runs])).rows.map(({ id }) => id)
}
