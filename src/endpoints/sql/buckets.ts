/**
 * Rows that REPEATABLE READ writers look at: a write there is how they learn that their snapshot is
 * older than a fence. Without its bucket's row a writer would learn nothing.
 */
import { RehomeError } from '../../errors.ts'
import { type Client, endIfIdle, type Pool } from '../../postgres.ts'

const missing = 'rehome.buckets lacks rows that writers look at: run `rehome init`'

/** After the announcement: makes snapshots that are older fail. `lock_timeout` in ms. */
export async function bumpBuckets(
  client: Client,
  tenant: string,
  lockTimeoutMs: number,
): Promise<void> {
  await client.query('begin')
  await endIfIdle(client)
  await client.query(`select set_config('lock_timeout', $1, true)`, [`${lockTimeoutMs}ms`])
  const query = `update rehome.buckets set epoch = epoch + 1
    where id in (rehome.bucket_of($1), 1024)`
  const bumped = await client.query(query, [tenant])
  if (bumped.rowCount !== 2) throw new RehomeError('NOT_INSTALLED', missing)
  await client.query('commit')
}

/** 1,024 for tenants, and one for all of them. */
export const bucketCount = 1025

export async function countBuckets(pool: Pool): Promise<number> {
  return (await pool.query('select count(*)::int as n from rehome.buckets')).rows[0].n
}

/** Makes those rows that somebody has removed. */
export const restoreBuckets =
  'insert into rehome.buckets (id) select generate_series(0, 1024) on conflict (id) do nothing'
