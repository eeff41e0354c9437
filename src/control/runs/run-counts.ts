/**
 * Named queries on the counts of runs. They cost the same for a run of any size: the database keeps
 * the counts of moves that no worker is at (run_counts), and the others are few.
 */
import type { Errand } from '../../errands.ts'
import type { Phase } from '../../phases.ts'
import type { Control } from '../database.ts'
import { estimateOf } from '../estimate.ts'
import { exactOverview, type PauseCounts, pauseBoundsMs, type RunOverview } from './run-overview.ts'

export interface MoveCount {
  readonly run_id: string
  readonly phase: Phase
  readonly errand: Errand
  readonly open: boolean
  readonly tenants: number
}

/** In statements whose `$1` are ids of runs. */
const countsText = `select run_id, phase, errand, open, error_code, pause_bucket as bucket,
    sum(tenants)::int as tenants, sum(rows_copied)::float8 as rows
  from rehome_control.run_counts where run_id = any ($1) group by 1, 2, 3, 4, 5, 6
  union all
  select run_id, phase, errand, open, coalesce(error_code, ''),
    rehome_control.pause_bucket(pause_ms), count(*)::int, sum(rows_copied)::float8
  from rehome_control.moves where run_id = any ($1) and open and has_job group by 1, 2, 3, 4, 5, 6`

/** Moves of these runs by phase and errand. */
export async function countsOf(
  control: Pick<Control, 'pool'>,
  runIds: readonly string[],
): Promise<MoveCount[]> {
  const query = `select run_id, phase, errand, open, sum(tenants)::int as tenants
    from (${countsText}) c group by 1, 2, 3, 4 having sum(tenants) > 0 order by 1, 2, 3`
  return (await control.pool.query<MoveCount>(query, [runIds])).rows
}

/** Up to this size all moves of a run are read: figures are exact, and it takes less than 50 ms. */
const exactMax = 10_000

/** All zeros for a run that does not exist. */
export async function overviewOf(control: Control, runId: string): Promise<RunOverview> {
  const counts = await countsOf(control, [runId])
  const tenants = counts.reduce((sum, count) => sum + count.tenants, 0)
  return await (tenants > exactMax ? countedOverview : exactOverview)(control, runId)
}

/** The rate of a large run is taken from tenants that ended within so long. */
const rateWindowMs = 30_000

/** One run, by a single value: a list would lose the order of an index. */
const overviewText = `
  with c as materialized (select * from (${countsText}) c where tenants <> 0),
  since as (
    select greatest((select settled_at from rehome_control.moves where run_id = ($1::text[])[1]
        and settled_at is not null order by settled_at limit 1),
      clock_timestamp() - $2 * interval '1 ms') as since
  ), recent as (
    select count(*)::int as tenants, coalesce(sum(m.rows_copied), 0)::float8 as rows,
      extract(epoch from clock_timestamp() - min(since)) * 1000 as window_ms
    from since left join rehome_control.moves m on m.run_id = ($1::text[])[1] and m.settled_at >= since
    having count(m.id) > 0
  )
  select clock_timestamp() as at, coalesce(sum(tenants), 0)::int as tenants,
    coalesce(sum(tenants) filter (where open and errand <> 'audit'), 0)::int as remaining,
    coalesce(sum(rows), 0)::float8 as "rowsCopied",
    (select settled_at from rehome_control.moves where run_id = ($1::text[])[1] and settled_at is not null
      order by settled_at desc limit 1) as "lastEndedAt",
    (select coalesce(json_agg(p), '[]') from (
      select phase, errand, open, sum(tenants)::int as tenants from c
      group by 1, 2, 3 order by 1, 2) p) as phases,
    (select coalesce(json_agg(f order by f.tenants desc, f.code), '[]') from (
      select error_code as code, sum(tenants)::int as tenants,
        coalesce(sum(tenants) filter (where open and errand <> 'audit'), 0)::int as waiting,
        (select tenant_id from rehome_control.moves m where m.run_id = ($1::text[])[1]
          and m.error_code = c.error_code order by tenant_id limit 1) as example
      from c where error_code <> '' group by 1) f) as failures,
    (select coalesce(json_agg(b order by b.bucket), '[]') from (
      select bucket, sum(tenants)::int as tenants from c where bucket >= 0 group by 1) b) as pauses,
    (select to_jsonb(s) from (
      select pause_ms as ms, tenant_id as tenant from rehome_control.moves
      where run_id = ($1::text[])[1] and pause_ms is not null order by pause_ms desc limit 1) s) as slowest,
    (select to_jsonb(r) from recent r) as recent
  from c`

interface Bucket {
  readonly bucket: number
  readonly tenants: number
}

interface Row
  extends Pick<
    RunOverview,
    'at' | 'tenants' | 'remaining' | 'phases' | 'failures' | 'rowsCopied' | 'lastEndedAt'
  > {
  readonly pauses: readonly Bucket[]
  readonly slowest: { readonly ms: number; readonly tenant: string } | null
  readonly recent: {
    readonly tenants: number
    readonly rows: number
    readonly window_ms: number
  } | null
}

/**
 * The overview of a run of any size from its counts. Medians and other shares of pauses are right
 * to 2.5 %, and the rate is that of the last 30 s.
 */
export async function countedOverview(
  control: Pick<Control, 'pool'>,
  runId: string,
): Promise<RunOverview> {
  const { rows } = await control.pool.query<Row>(overviewText, [[runId], rateWindowMs])
  const [row] = rows
  if (!row) throw new Error('a query without a row')
  const { pauses, slowest, recent, ...counts } = row
  return {
    ...counts,
    pauses: pauseCountsOf(pauses, slowest),
    estimate: estimateOf({
      remaining: row.remaining,
      ended: recent?.tenants ?? 0,
      rows: recent?.rows ?? 0,
      windowMs: recent?.window_ms ?? 0,
    }),
  }
}

/** The middle of a bucket, by ratio. */
const middleOf = ({ bucket }: Bucket) => 1.05 ** (bucket + 0.5)

function pauseCountsOf(buckets: readonly Bucket[], slowest: Row['slowest']): PauseCounts {
  const tenants = buckets.reduce((sum, bucket) => sum + bucket.tenants, 0)
  const histogram = [...pauseBoundsMs, null].map(() => 0)
  for (const bucket of buckets) {
    const above = pauseBoundsMs.findIndex((bound) => middleOf(bucket) < bound)
    const i = above < 0 ? pauseBoundsMs.length : above
    histogram[i] = (histogram[i] ?? 0) + bucket.tenants
  }
  const within = (share: number) => {
    let left = share * tenants
    const own = buckets.find((bucket) => {
      left -= bucket.tenants
      return left <= 0
    })
    return own ? Math.min(middleOf(own), slowest?.ms ?? Number.POSITIVE_INFINITY) : null
  }
  return {
    tenants,
    buckets: histogram,
    medianMs: within(0.5),
    p99Ms: within(0.99),
    slowestMs: slowest?.ms ?? null,
    slowestTenant: slowest?.tenant ?? null,
  }
}
