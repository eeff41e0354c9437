/** Named queries for `rehome doctor` and metrics: what the control database knows to be late. */
import { sql } from 'kysely'
import type { Control, Move } from './database.ts'
import { isHeldBack } from './steer.ts'

/**
 * Open moves with a job, due and not held back, that no worker has touched for so long; those that
 * have begun come first.
 */
export async function untouchedMoves(
  control: Control,
  untouchedS: number,
  most = 200,
): Promise<Move[]> {
  const since = sql<Date>`clock_timestamp() - ${untouchedS} * interval '1 s'`
  return await control.db
    .selectFrom('moves')
    .selectAll()
    .where('open', '=', true)
    .where('has_job', '=', true)
    .where('errand', '<>', 'rehearse')
    .where((eb) => eb.not(isHeldBack))
    .where('not_before', '<', since)
    .where('updated_at', '<', since)
    .orderBy(sql`phase = 'queued'`)
    .orderBy('updated_at')
    .limit(most)
    .execute()
}

/** Open moves whose tenants work at homes that the application's directory does not have yet. */
export async function unpublishedMoves(control: Control, most = 200): Promise<Move[]> {
  const query = control.db.selectFrom('moves').selectAll().where('open', '=', true)
  return await query
    .where('phase', 'in', ['release', 'undo_release'])
    .where('error_code', '=', 'DIRECTORY_NOT_UPDATED')
    .orderBy('updated_at')
    .limit(most)
    .execute()
}

/**
 * Those of the runs whose plan a worker has carried out moves of within so long. Their queued moves
 * wait for their turn, however long that takes.
 */
export async function runsAtWork(
  control: Control,
  runIds: readonly string[],
  withinS: number,
): Promise<Set<string>> {
  const query = `
    select distinct own.id from rehome_control.runs own
      join rehome_control.runs other on other.plan_fingerprint = own.plan_fingerprint
      join rehome_control.moves m on m.run_id = other.id
    where own.id = any($1) and m.phase <> 'queued'
      and m.updated_at >= clock_timestamp() - $2 * interval '1 s'`
  const { rows } = await control.pool.query<{ id: string }>(query, [runIds, withinS])
  return new Set(rows.map(({ id }) => id))
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
 * their ids; at most 1,000. One whose way back is being audited is there, too.
 */
export async function movedTenants(
  control: Control,
  of: { readonly scope: string; readonly planName: string; readonly after: string },
): Promise<{ tenant: string; runId: string }[]> {
  const query = `
    select tenant_id as tenant, run_id as "runId" from (
      select distinct on (m.tenant_id) m.tenant_id, m.run_id, m.phase, m.open, m.errand,
        r.plan_name
      from rehome_control.moves m join rehome_control.runs r on r.id = m.run_id
      where (m.scope = $1 or m.target_scope = $1) and m.tenant_id > $3
      order by m.tenant_id, r.created_at desc, r.id desc
    ) newest
    where (not open and phase = 'moved' or open and errand = 'audit') and plan_name = $2
    order by tenant_id limit 1000`
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
