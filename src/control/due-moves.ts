/** Named queries on moves that are due for something: workers look for them again and again. */
import { sql } from 'kysely'
import type { Control, Move } from './database.ts'
import { isHeldBack } from './steer.ts'
import { isPlannedBy } from './workers.ts'

/** Moves a look at open ones returns at most. */
export const openMovesMax = 200

export interface OpenMovesQuery {
  /** Moves that were touched later have a worker that is at them. In ms. */
  readonly untouchedMs: number
  /** Id of the last move of the look before. Each worker goes round in its own circle. */
  readonly after: string
  /** Moves of these plans. Default: of any. */
  readonly fingerprints?: readonly string[] | undefined
}

/**
 * Moves that should have a job: due, not held back, and untouched for a while. At most 200, in the
 * order of their ids, beginning behind `after` and going on with the first one after the last.
 */
export async function openMoves(
  control: Control,
  { untouchedMs, after, fingerprints }: OpenMovesQuery,
): Promise<Move[]> {
  const all = control.db
    .selectFrom('moves')
    .selectAll()
    .where('open', '=', true)
    .where((eb) => eb.not(isHeldBack))
    .where('not_before', '<=', sql<Date>`clock_timestamp()`)
    // A rehearsal has no job: the command that asked for it does the work, unless it has died.
    .where((eb) =>
      eb.or([
        eb('errand', '<>', 'rehearse'),
        eb('updated_at', '<', sql<Date>`clock_timestamp() - interval '10 min'`),
      ]),
    )
    .where('updated_at', '<', sql<Date>`clock_timestamp() - ${untouchedMs} * interval '1 ms'`)
    .orderBy('id')
  const due = fingerprints ? all.where(isPlannedBy(fingerprints)) : all
  const behind = await due.where('id', '>', after).limit(openMovesMax).execute()
  const left = openMovesMax - behind.length
  if (left === 0) return behind
  return [...behind, ...(await due.where('id', '<=', after).limit(left).execute())]
}

/** Moved tenants of these runs whose way back was not tried for so long. */
export async function movesToAudit(
  control: Control,
  plan: { readonly name: string; readonly fingerprint: string },
  everyMs: number,
): Promise<Move[]> {
  const lately = sql<Date>`clock_timestamp() - ${everyMs} * interval '1 ms'`
  return await control.db
    .selectFrom('moves')
    .innerJoin('runs', 'runs.id', 'moves.run_id')
    .selectAll('moves')
    .where('runs.plan_name', '=', plan.name)
    .where('runs.plan_fingerprint', '=', plan.fingerprint)
    .where('open', '=', false)
    .where('phase', '=', 'moved')
    .where('cleanup_begun', '=', false)
    .where('window_until', '>', sql<Date>`clock_timestamp()`)
    .where(sql<Date>`coalesce(audited_at, updated_at)`, '<', lately)
    .orderBy(sql`coalesce(audited_at, updated_at)`)
    .limit(20)
    .execute()
}
