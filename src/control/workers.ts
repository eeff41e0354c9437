/**
 * The workers that are alive, and the plans that each of them has. A worker carries out moves of
 * its own plans only, and leaves those of others to workers that have them.
 */
import { sql } from 'kysely'
import type { Control, Move } from './database.ts'
import { needsSlotText } from './fleet/server-slots.ts'

export interface Presence {
  readonly id: string
  /** Fingerprints of its plans. */
  readonly fingerprints: readonly string[]
  /** For how long it counts as alive without a further word, in ms. */
  readonly aliveMs: number
}

export async function announceWorker(
  control: Control,
  { id, fingerprints, aliveMs }: Presence,
): Promise<void> {
  const query = `insert into rehome_control.workers (id, fingerprints, alive_until)
    values ($1, $2, clock_timestamp() + $3 * interval '1 ms')
    on conflict (id) do update set alive_until = excluded.alive_until`
  await control.pool.query(query, [id, fingerprints, aliveMs])
}

/** Also forgets workers that died without a word. */
export async function dismissWorker(control: Control, id: string): Promise<void> {
  const query = `delete from rehome_control.workers
    where id = $1 or alive_until < clock_timestamp() - interval '1 h'`
  await control.pool.query(query, [id])
}

/** Whether a worker that is alive has the plan. */
export async function hasWorker(control: Control, fingerprint: string): Promise<boolean> {
  return (await workersWith(control, fingerprint)) > 0
}

/** The number of workers that are alive and have the plan. */
export async function workersWith(control: Control, fingerprint: string): Promise<number> {
  const query = `select count(*)::int as workers from rehome_control.workers
    where $1 = any(fingerprints) and alive_until > clock_timestamp()`
  return (await control.pool.query(query, [fingerprint])).rows[0].workers
}

export interface PlannedMove extends Move {
  /** Fingerprint of the plan with which its run was enqueued. */
  readonly plan_fingerprint: string
  /** It needs a slot of a server: see fleet/server-slots.ts. */
  readonly needs_slot: boolean
}

export async function findPlannedMove(
  control: Control,
  id: string,
): Promise<PlannedMove | undefined> {
  const query = control.db
    .selectFrom('moves')
    .innerJoin('runs', 'runs.id', 'moves.run_id')
    .selectAll('moves')
    .select('runs.plan_fingerprint')
    .select(sql.raw<boolean>(needsSlotText).as('needs_slot'))
  return await query.where('moves.id', '=', id).executeTakeFirst()
}
