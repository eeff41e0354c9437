/**
 * Rows that REPEATABLE READ writers look at: a write there is how they learn that their snapshot is
 * older than a fence. Without its bucket's row a writer would learn nothing.
 */
import type { QueryResult } from 'pg'
import { RehomeError } from '../../../errors.ts'
import { itemAt } from '../../../known.ts'
import { type Client, endsIfIdle, type Pool } from '../../../postgres.ts'
import { literal } from '../../../quote.ts'
import { wholeApplication } from '../../flags.ts'
import { queryTogether } from '../query-together.ts'

const missing = 'rehome.buckets lacks rows that writers look at: run `rehome init`'

/** 1,024 for tenants, one for all of them, and one for rows of no tenant. */
export const bucketCount = 1026

/** Some buckets that are bumped in one transaction. */
export interface Some {
  /** A condition on their ids. */
  readonly sql: string
  readonly count: number
}

/** Those that the tenant's writers look at. */
export function bucketsOf(tenant: string): Some[] {
  if (tenant !== wholeApplication) {
    return [{ sql: `id in (rehome.bucket_of(${literal(tenant)}), 1024)`, count: 2 }]
  }
  // A few at a time: writers are not to wait for the bucket that somebody else is writing in.
  return Array.from({ length: Math.ceil(bucketCount / atOnce) }, (_, i) => {
    const [from, to] = [i * atOnce, Math.min((i + 1) * atOnce, bucketCount)]
    return { sql: `id >= ${from} and id < ${to}`, count: to - from }
  })
}

/** The one that is looked at by writers of rows whose tenant can change under them. */
export const anyonesBucket: Some = { sql: 'id in (1024)', count: 1 }

const atOnce = 64

interface Bump {
  readonly lockTimeoutMs: number
  /** Holds the lock of any tenant as well, so that no READ COMMITTED writer of such rows is in. */
  readonly alone: boolean
  /** A query that is asked while their rows are locked, in the same call. */
  readonly held: string
  /** A query that is asked after the commit, in the same call. */
  readonly next: string
}

/** After the announcement: makes snapshots that are older fail. */
export async function bumpBuckets(
  client: Client,
  { sql, count }: Some,
  { lockTimeoutMs, alone, held, next }: Bump,
): Promise<{ held: QueryResult; next: QueryResult }> {
  // In the order in which writers of many tenants take them.
  const chosen = `select id from rehome.buckets where ${sql} order by id for no key update`
  const bump = `update rehome.buckets b set epoch = epoch + 1
    from (${chosen}) c where b.id = c.id`
  const begin = ['begin', endsIfIdle, `set local lock_timeout = ${lockTimeoutMs}`]
  const lock = alone ? 'select rehome.exclude_anyones()' : 'select'
  const answers = await queryTogether(client, [...begin, lock, bump, held, 'commit', next])
  if (answers[4]?.rowCount !== count) throw new RehomeError('NOT_INSTALLED', missing)
  return { held: itemAt(answers, 5), next: itemAt(answers, 7) }
}

export async function countBuckets(pool: Pool): Promise<number> {
  return (await pool.query('select count(*)::int as n from rehome.buckets')).rows[0].n
}

/** Makes those rows that somebody has removed. */
export const restoreBuckets =
  'insert into rehome.buckets (id) select generate_series(0, 1025) on conflict (id) do nothing'
