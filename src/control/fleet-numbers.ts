/**
 * Numbers over all moves of the installation, for metrics: one query, without evidence. It reads
 * every move, so its caller asks it seldom (coordinator/metrics/).
 */
import type { Control } from './database.ts'
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

const query = `
  with m as materialized (
    select runs.plan_name as plan, runs.plan_fingerprint as version, moves.phase, moves.errand, moves.open, moves.error_code,
      moves.rows_copied, moves.pause_ms, moves.window_until, moves.updated_at, moves.not_before,
      ${isHeldBackText} as held
    from rehome_control.moves join rehome_control.runs on runs.id = moves.run_id
  ), at_work as (
    select version, max(updated_at) as worked_at from m where phase <> 'queued' group by version
  ), waiting as (
    select m.*, greatest(m.updated_at, not_before,
      case when m.phase = 'queued' then worked_at end) as touched_at
    from m left join at_work using (version)
    where open and not held and errand <> 'rehearse' and not_before < clock_timestamp()
  )
  select
    (select coalesce(json_agg(x), '[]') from (
      select plan, phase, case when open then errand else 'none' end as errand, count(*)::int as moves
      from m group by 1, 2, 3 order by 1, 2, 3) x) as moves,
    (select coalesce(json_agg(x), '[]') from (
      select plan, error_code as code, count(*)::int as moves
      from m where error_code is not null group by 1, 2 order by 1, 2) x) as failures,
    (select coalesce(json_agg(x), '[]') from (
      select plan, sum(rows_copied)::float8 as rows from m group by 1 order by 1) x) as rows,
    (select coalesce(json_agg(x), '[]') from (
      select plan, json_object_agg(bucket, n) as by, sum(n)::int as count, sum(ms) as "sumMs"
      from (
        select plan, width_bucket(pause_ms, $1::float8[]) as bucket, count(*) as n, sum(pause_ms) as ms
        from m where pause_ms is not null group by 1, 2
      ) b group by 1 order by 1) x) as pauses,
    (select coalesce(json_agg(x), '[]') from (
      select plan, count(*)::int as moves,
        extract(epoch from min(window_until) - clock_timestamp())::float8 as "nextEndS"
      from m where (phase = 'moved' or open and errand = 'audit')
        and window_until > clock_timestamp() group by 1 order by 1) x)
      as "waysBack",
    (select coalesce(extract(epoch from clock_timestamp() - min(touched_at)), 0)::float8
      from waiting) as "untouchedS",
    (select coalesce(extract(epoch from clock_timestamp() - min(updated_at)), 0)::float8
      from m where open and phase = 'hold') as "captureLagS",
    (select count(*)::int from waiting
      where phase in ('cutover', 'release', 'undo_cutover', 'undo_release')
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
