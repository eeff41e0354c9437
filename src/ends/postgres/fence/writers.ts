/** Sessions that are writing a tenant's rows at an end just now, found by their locks. */
import type { Client } from '../../../postgres.ts'
import { literal } from '../../../quote.ts'
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
export function selectWriters(tenant: string): string {
  const every = tenant === wholeApplication
  return `
    select distinct l.virtualtransaction as transaction, l.pid from pg_locks l
    where l.locktype = 'advisory' and l.classid = 1919248495
      and (l.objid in (rehome.bucket_of(${literal(tenant)})::oid, 1024::oid) or ${every})
      and l.objsubid = 2 and l.granted
      and l.database = (select oid from pg_database where datname = current_database())`
}

/** A row for each session that is writing this tenant's rows, or rows that may become anybody's. */
export function selectGuardLocks(tenant: string): string {
  return selectLocks(`rehome.bucket_of(${literal(tenant)})::oid, 1024`)
}

/** A row for each session that is writing rows that may become anybody's alone. */
export const selectAnyonesLocks = selectLocks('1024')

/** Without sessions that still wait for a lock: they have not looked whose the rows are. */
function selectLocks(buckets: string): string {
  return `select from pg_locks where locktype = 'advisory' and classid = 1919248495 and objsubid = 2
    and objid = any (array[${buckets}]::oid[]) and granted and pid is distinct from pg_backend_pid()
    and database = (select oid from pg_database where datname = current_database())`
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
