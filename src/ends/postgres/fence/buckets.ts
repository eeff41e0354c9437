/**
 * Rows that REPEATABLE READ writers look at: a write there is how they learn that their snapshot is
 * older than a fence. Without its bucket's row a writer would learn nothing.
 */
import { RehomeError } from '../../../errors.ts'
import { type Client, endsIfIdle, type Pool } from '../../../postgres.ts'
import { wholeApplication } from '../../flags.ts'

const missing = 'rehome.buckets lacks rows that writers look at: run `rehome init`'

/** 1,024 for tenants, and one for all of them. */
export const bucketCount = 1025

/** Some buckets that are bumped in one transaction. */
export interface Some {
  /** A condition on their ids. */
  readonly sql: string
  readonly values: readonly (string | number)[]
  readonly count: number
}

/** Those that the tenant's writers look at. */
export function bucketsOf(tenant: string): Some[] {
  if (tenant !== wholeApplication) {
    return [{ sql: 'id in (rehome.bucket_of($1), 1024)', values: [tenant], count: 2 }]
  }
  // A few at a time: writers are not to wait for the bucket that somebody else is writing in.
  return Array.from({ length: Math.ceil(bucketCount / atOnce) }, (_, i) => {
    const [from, to] = [i * atOnce, Math.min((i + 1) * atOnce, bucketCount)]
    return { sql: 'id >= $1 and id < $2', values: [from, to], count: to - from }
  })
}

const atOnce = 64

/** After the announcement: makes snapshots that are older fail. `lock_timeout` in ms. */
export async function bumpBuckets(
  client: Client,
  { sql, values, count }: Some,
  lockTimeoutMs: number,
): Promise<void> {
  await client.query(`begin; ${endsIfIdle}; set local lock_timeout = ${lockTimeoutMs}`)
  // In the order in which writers of many tenants take them.
  const chosen = `select id from rehome.buckets where ${sql} order by id for no key update`
  const query = `update rehome.buckets b set epoch = epoch + 1
    from (${chosen}) c where b.id = c.id`
  const bumped = await client.query(query, [...values])
  if (bumped.rowCount !== count) throw new RehomeError('NOT_INSTALLED', missing)
  await client.query('commit')
}

export async function countBuckets(pool: Pool): Promise<number> {
  return (await pool.query('select count(*)::int as n from rehome.buckets')).rows[0].n
}

/** Makes those rows that somebody has removed. */
export const restoreBuckets =
  'insert into rehome.buckets (id) select generate_series(0, 1024) on conflict (id) do nothing'
