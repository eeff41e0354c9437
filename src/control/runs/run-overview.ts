/**
 * The state of a whole run in a few numbers: tenants by phase, failures by code, pauses, and the
 * rate from which its end is estimated. One query over the run's moves, without their evidence.
 */
import type { Errand } from '../../errands.ts'
import type { Phase } from '../../phases.ts'
import type { Control } from '../database.ts'
import { type Estimate, estimateOf } from '../estimate.ts'

/** Upper bounds of the pause histogram, in ms; the last bucket has none. */
export const pauseBoundsMs = [50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000] as const

/** The rate is taken from tenants that ended within so long. */
const rateWindowMs = 10 * 60_000

export interface PhaseCount {
  readonly phase: Phase
  readonly errand: Errand
  readonly open: boolean
  readonly tenants: number
}

export interface FailureCount {
  readonly code: string
  readonly tenants: number
  /** Those of them that will be tried again without a request. */
  readonly waiting: number
  /** The first of the tenants, in the order of their ids. */
  readonly example: string
}

export interface PauseCounts {
  readonly tenants: number
  /** Tenants by `pauseBoundsMs`: one number more than there are bounds. */
  readonly buckets: readonly number[]
  readonly medianMs: number | null
  readonly p99Ms: number | null
  readonly slowestMs: number | null
  readonly slowestTenant: string | null
}

export interface RunOverview {
  readonly at: Date
  readonly tenants: number
  /** Tenants whose errand is not over. Audits do not count: they begin anew all the time. */
  readonly remaining: number
  readonly phases: readonly PhaseCount[]
  readonly failures: readonly FailureCount[]
  readonly rowsCopied: number
  readonly pauses: PauseCounts
  readonly lastEndedAt: Date | null
  readonly estimate: Estimate
}

const query = `
  with m as materialized (
    select tenant_id, phase, errand, open and errand <> 'audit' as busy, open, error_code,
      rows_copied, pause_ms, updated_at
    from rehome_control.moves where run_id = $1
  ), ended as (
    select rows_copied, updated_at from m where not busy
  ), since as (
    select greatest(min(updated_at), clock_timestamp() - $2 * interval '1 ms') as since from ended
  ), recent as (
    select count(*)::int as tenants, coalesce(sum(rows_copied), 0)::float8 as rows,
      extract(epoch from clock_timestamp() - min(since)) * 1000 as window_ms
    from ended, since where updated_at >= since
  ), paused as (
    select count(*)::int as tenants,
      percentile_cont(0.5) within group (order by pause_ms) as median,
      percentile_cont(0.99) within group (order by pause_ms) as p99,
      max(pause_ms) as slowest, (array_agg(tenant_id order by pause_ms desc))[1] as tenant
    from m where pause_ms is not null
  )
  select clock_timestamp() as at,
    (select count(*)::int from m) as tenants,
    (select count(*)::int from m where busy) as remaining,
    (select coalesce(sum(rows_copied), 0)::float8 from m) as "rowsCopied",
    (select max(updated_at) from ended) as "lastEndedAt",
    (select coalesce(json_agg(p), '[]') from (
      select phase, errand, open, count(*)::int as tenants from m group by 1, 2, 3 order by 1, 2
    ) p) as phases,
    (select coalesce(json_agg(f order by f.tenants desc, f.code), '[]') from (
      select error_code as code, count(*)::int as tenants, count(*) filter (where busy)::int as waiting,
        min(tenant_id) as example
      from m where error_code is not null group by 1
    ) f) as failures,
    (select coalesce(json_object_agg(b, n), '{}') from (
      select width_bucket(pause_ms, $3::float8[]) as b, count(*)::int as n
      from m where pause_ms is not null group by 1
    ) buckets) as buckets,
    (select to_jsonb(p) from paused p) as pauses,
    (select to_jsonb(r) from recent r) as recent`

interface Row {
  readonly at: Date
  readonly tenants: number
  readonly remaining: number
  readonly rowsCopied: number
  readonly lastEndedAt: Date | null
  readonly phases: PhaseCount[]
  readonly failures: FailureCount[]
  readonly buckets: Readonly<Record<string, number>>
  readonly pauses: {
    readonly tenants: number
    readonly median: number | null
    readonly p99: number | null
    readonly slowest: number | null
    readonly tenant: string | null
  }
  readonly recent: {
    readonly tenants: number
    readonly rows: number
    readonly window_ms: number | null
  }
}

/** All zeros for a run that does not exist. Reads every move of the run, of which there are few. */
export async function exactOverview(control: Control, runId: string): Promise<RunOverview> {
  const result = await control.pool.query<Row>(query, [runId, rateWindowMs, pauseBoundsMs])
  const row = result.rows[0]
  if (!row) throw new Error('a query without a row')
  const { at, tenants, remaining, rowsCopied, lastEndedAt, phases, failures } = row
  const { pauses, buckets, recent } = row
  return {
    at,
    tenants,
    remaining,
    rowsCopied,
    lastEndedAt,
    phases,
    failures,
    pauses: {
      tenants: pauses.tenants,
      buckets: [...pauseBoundsMs, null].map((_, i) => buckets[i] ?? 0),
      medianMs: pauses.median,
      p99Ms: pauses.p99,
      slowestMs: pauses.slowest,
      slowestTenant: pauses.tenant,
    },
    estimate: estimateOf({
      remaining,
      ended: recent.tenants,
      rows: recent.rows,
      windowMs: recent.window_ms ?? 0,
    }),
  }
}
