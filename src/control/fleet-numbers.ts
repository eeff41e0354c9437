/**
 * Numbers over all moves of the installation, for metrics: one query. It reads the counts of runs,
 * moves that have a job, and the index of open rollback windows: its caller asks it seldom
 * (coordinator/metrics/). Pauses are right to 2.5 %, as those of large runs are.
 */
import type { Control } from './database.ts'
import { unfedGroups, unfedOf } from './fleet/next-moves.ts'
import { isHeldBackText } from './steer.ts'

export interface PlanPauses {
  readonly plan: string
  /** Moves by upper bound of the bucket, the last without one; not cumulated. */
  readonly buckets: readonly number[]
  readonly count: number
  readonly sumMs: number
}

export interface FleetNumbers {
  readonly moves: readonly { plan: string; phase: string; errand: string; moves: number }[]
  readonly failures: readonly { plan: string; code: string; moves: number }[]
  readonly rows: readonly { plan: string; rows: number }[]
  readonly pauses: readonly PlanPauses[]
  readonly waysBack: readonly { plan: string; moves: number; nextEndS: number }[]
  /**
   * Since a worker touched the due move that was left alone for longest, in s; 0: none waits. A
   * queued move waits for its turn while others of its plan are carried out.
   */
  readonly untouchedS: number
  /** Since the held move that was left alone for longest has caught up, in s; 0: none is held. */
  readonly captureLagS: number
  /** Moves that stopped between the decision of a cutover and the opening of the new home. */
  readonly homesClosed: number
}

/** Moves that wait for their job, of each group of them that nothing holds back. */
const unfedMax = 20

const query = `
  with recursive live as materialized (
    select runs.plan_name as plan, runs.plan_fingerprint as version, moves.phase, moves.errand,
      moves.error_code, moves.rows_copied, moves.pause_ms, moves.updated_at, moves.not_before,
      ${isHeldBackText} as held
    from rehome_control.moves join rehome_control.runs on runs.id = moves.run_id
    where moves.open and moves.has_job
  ), counts as materialized (
    select r.plan_name as plan, c.phase, c.errand, c.open, c.error_code, c.pause_bucket as bucket,
      sum(c.tenants)::int as moves, sum(c.rows_copied)::float8 as rows
    from rehome_control.run_counts c join rehome_control.runs r on r.id = c.run_id
    group by 1, 2, 3, 4, 5, 6
    union all
    select plan, phase, errand, true, coalesce(error_code, ''),
      rehome_control.pause_bucket(pause_ms), count(*)::int, sum(rows_copied)::float8
    from live group by 1, 2, 3, 4, 5, 6
  ), ${unfedGroups}, unfed as materialized (
    select r.plan_fingerprint as version, m.updated_at, m.not_before from eligible e
      join rehome_control.runs r on r.id = e.run_id
      cross join lateral (${unfedOf('0', `${unfedMax}`)}) m
  ), waiting as materialized (
    select version, phase, updated_at, not_before from live
    where not held and errand <> 'rehearse' and not_before < clock_timestamp()
    union all
    select version, 'queued', updated_at, not_before from unfed
  ), at_work as materialized (
    select w.version, greatest(
      (select max(updated_at) from live where live.version = w.version and phase <> 'queued'),
      (select max(ended.at) from rehome_control.runs r cross join lateral (
        select m.settled_at as at from rehome_control.moves m
        where m.run_id = r.id and m.settled_at is not null order by m.settled_at desc limit 1) ended
      where r.plan_fingerprint = w.version)) as worked_at
    from (select distinct version from waiting where phase = 'queued') w
  ), touched as (
    select greatest(w.updated_at, w.not_before,
      case when w.phase = 'queued' then worked_at end) as touched_at
    from waiting w left join at_work using (version)
  )
  select
    (select coalesce(json_agg(x), '[]') from (
      select plan, phase, case when open then errand else 'none' end as errand,
        sum(moves)::int as moves
      from counts group by 1, 2, 3 having sum(moves) > 0 order by 1, 2, 3) x) as moves,
    (select coalesce(json_agg(x), '[]') from (
      select plan, error_code as code, sum(moves)::int as moves from counts
      where error_code <> '' group by 1, 2 having sum(moves) > 0 order by 1, 2) x) as failures,
    (select coalesce(json_agg(x), '[]') from (
      select plan, sum(rows)::float8 as rows from counts group by 1 order by 1) x) as rows,
    (select coalesce(json_agg(x), '[]') from (
      select plan, json_object_agg(bucket, n) as by, sum(n)::int as count, sum(ms) as "sumMs"
      from (
        select plan, width_bucket((1.05 ^ (bucket + 0.5))::float8, $1::float8[]) as bucket,
          sum(moves) as n, sum(moves * 1.05 ^ (bucket + 0.5))::float8 as ms
        from counts where bucket >= 0 group by 1, 2 having sum(moves) > 0
      ) b group by 1 order by 1) x) as pauses,
    (select coalesce(json_agg(x), '[]') from (
      select r.plan_name as plan, sum(w.moves)::int as moves,
        extract(epoch from min(w.next_end) - clock_timestamp())::float8 as "nextEndS"
      from (
        select run_id, count(*) as moves, min(window_until) as next_end from rehome_control.moves
        where window_until > statement_timestamp()
          and (phase = 'moved' or open and errand = 'audit') group by 1
      ) w join rehome_control.runs r on r.id = w.run_id group by 1 order by 1) x) as "waysBack",
    (select coalesce(extract(epoch from clock_timestamp() - min(touched_at)), 0)::float8
      from touched) as "untouchedS",
    (select coalesce(extract(epoch from clock_timestamp() - min(updated_at)), 0)::float8
      from live where phase = 'hold') as "captureLagS",
    (select count(*)::int from live
      where phase in ('cutover', 'release', 'undo_cutover', 'undo_release')
        and not held and not_before < clock_timestamp()
        and updated_at < clock_timestamp() - interval '30 s') as "homesClosed"`

/** `boundsMs`: upper bounds of the buckets of pauses, ascending. */
export async function fleetNumbers(
  control: Control,
  boundsMs: readonly number[],
): Promise<FleetNumbers> {
  const { rows } = await control.pool.query(query, [boundsMs])
  const { pauses, ...numbers } = rows[0]
  return {
    ...numbers,
    pauses: pauses.map(({ by, ...pause }: Omit<PlanPauses, 'buckets'> & { by: object }) => {
      const counts = new Map(Object.entries(by))
      const buckets = [...boundsMs, null].map((_, i) => Number(counts.get(String(i)) ?? 0))
      return { ...pause, buckets }
    }),
  }
}
