/** Sessions that are writing a tenant's rows at an end just now, found by their locks. */
import type { Client } from '../../../postgres.ts'
import { wholeApplication } from '../../flags.ts'

export interface Writer {
  readonly transaction: string
  /** null: of a prepared transaction. */
  readonly pid: number | null
}

/**
 * Transactions that hold the guard's lock of this tenant's bucket (of any, if it is `*`), or are
 * truncating.
 */
export async function writersOf(client: Client, tenant: string): Promise<Writer[]> {
  const query = `
    select distinct l.virtualtransaction as transaction, l.pid from pg_locks l
    where l.locktype = 'advisory' and l.classid = 1919248495
      and (l.objid in (rehome.bucket_of($1)::oid, 1024::oid) or $2) and l.objsubid = 2 and l.granted
      and l.database = (select oid from pg_database where datname = current_database())`
  return (await client.query(query, [tenant, tenant === wholeApplication])).rows
}

/** Transactions that have locked rows of buckets, as REPEATABLE READ writers do. */
export async function bucketHolders(client: Client): Promise<Writer[]> {
  const query = `
    select distinct l.virtualtransaction as transaction, l.pid from pg_locks l
    where l.relation = 'rehome.buckets'::regclass and l.mode = 'RowShareLock' and l.granted
      and l.database = (select oid from pg_database where datname = current_database())`
  return (await client.query(query)).rows
}

/** How long those have been open, for the message that names them. Never their SQL. */
export async function describeWriters(
  client: Client,
  writers: readonly Writer[],
): Promise<string[]> {
  // A prepared one has no process; its lock on its own number tells which it is.
  const query = `
    select format('pid %s (%s, %s, open for %s s)', pid, coalesce(usename, '?'),
      coalesce(state, '?'), round(extract(epoch from clock_timestamp() - xact_start))) as text
    from pg_stat_activity where pid = any ($1)
    union all
    select format('prepared transaction %s (%s, prepared %s s ago)', to_json(gid), owner,
      round(extract(epoch from clock_timestamp() - prepared)))
    from pg_prepared_xacts where database = current_database()
      and transaction in (select l.transactionid from pg_locks l
        where l.locktype = 'transactionid' and l.pid is null and l.virtualtransaction = any ($2))`
  const pids = writers.flatMap((writer) => writer.pid ?? [])
  const transactions = writers.map((writer) => writer.transaction)
  const { rows } = await client.query(query, [pids, transactions])
  return rows.map((row: { text: string }) => row.text)
}
