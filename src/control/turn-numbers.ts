/** Numbers of attempts for those that are no move's: attempts at moves get theirs by claiming. */
import type { Control } from './database.ts'

/** Higher than that of every attempt before. */
export async function nextTurn(control: Control): Promise<string> {
  const query = `select nextval('rehome_control.turns')::text as turn`
  return (await control.pool.query(query)).rows[0].turn
}
