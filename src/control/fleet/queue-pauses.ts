/**
 * Records of who paused a queue on the board, and when. The queue itself knows whether it is still
 * paused: what is recorded here is shown only then.
 */
import type { Control } from '../database.ts'

export interface QueuePause {
  readonly by: string
  /** In the format of ISO 8601. */
  readonly at: string
}

/** `by` null: they were resumed. */
export async function recordPause(
  control: Control,
  queues: readonly string[],
  by: string | null,
): Promise<void> {
  const query = `update rehome_control.installation set queue_pauses = queue_pauses - $1::text[] ||
    case when $2::text is null then '{}' else (
      select jsonb_object_agg(queue, jsonb_build_object('by', $2::text, 'at', $3::text))
      from unnest($1::text[]) queue) end`
  await control.pool.query(query, [queues, by, new Date().toISOString()])
}

export async function pausesOf(control: Control): Promise<Readonly<Record<string, QueuePause>>> {
  const query = 'select queue_pauses as pauses from rehome_control.installation'
  return (await control.pool.query(query)).rows[0].pauses
}
