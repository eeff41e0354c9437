/** Named queries for `rehome doctor` and metrics: what the control database knows to be late. */
import { sql } from 'kysely'
import type { Control, Move } from './database.ts'
import { isHeldBack } from './steer.ts'

/** Open moves, due and not held back, that no worker has touched for so long; at most 200. */
export async function untouchedMoves(control: Control, untouchedS: number): Promise<Move[]> {
  const since = sql<Date>`clock_timestamp() - ${untouchedS} * interval '1 s'`
  return await control.db
    .selectFrom('moves')
    .selectAll()
    .where('open', '=', true)
    .where('errand', '<>', 'rehearse')
    .where((eb) => eb.not(isHeldBack))
    .where('not_before', '<', since)
    .where('updated_at', '<', since)
    .orderBy('updated_at')
    .limit(200)
    .execute()
}

/** Which of these moves there are. */
export async function knownMoves(
  control: Control,
  ids: readonly string[],
): Promise<Pick<Move, 'id' | 'open' | 'run_id'>[]> {
  return await control.db
    .selectFrom('moves')
    .select(['id', 'open', 'run_id'])
    .where('id', '=', sql<string>`any(${ids}::uuid[])`)
    .execute()
}

/**
 * Tenants behind this one whose newest move in this scope has ended at its target, in the order of
 * their ids; at most 1,000.
 */
export async function movedTenants(
  control: Control,
  of: { readonly scope: string; readonly planName: string; readonly after: string },
): Promise<{ tenant: string; runId: string }[]> {
  const query = `
    select tenant_id as tenant, run_id as "runId" from (
      select distinct on (m.tenant_id) m.tenant_id, m.run_id, m.phase, m.open, r.plan_name
      from rehome_control.moves m join rehome_control.runs r on r.id = m.run_id
      where (m.scope = $1 or m.target_scope = $1) and m.tenant_id > $3
      order by m.tenant_id, r.created_at desc, r.id desc
    ) newest
    where not open and phase = 'moved' and plan_name = $2 order by tenant_id limit 1000`
  return (await control.pool.query(query, [of.scope, of.planName, of.after])).rows
}

/** Open moves by the plan that a worker needs for them. */
export async function openByPlan(
  control: Control,
): Promise<{ planName: string; fingerprint: string; runId: string; moves: number }[]> {
  const query = `select r.plan_name as "planName", r.plan_fingerprint as fingerprint,
      min(r.id) as "runId", count(*)::int as moves
    from rehome_control.moves m join rehome_control.runs r on r.id = m.run_id
    where m.open group by 1, 2 order by 1, 3`
  return (await control.pool.query(query)).rows
}
