/** Who is writing a tenant's rows at an end just now, as its locks tell. */
import type { Client } from '../../postgres.ts'
import { wholeApplication } from '../flags.ts'

export interface Writer {
  readonly transaction: string
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

/** How long those have been open, for the message that names them. Never their SQL. */
export async function describeWriters(client: Client, pids: readonly number[]): Promise<string[]> {
  const query = `
    select format('pid %s (%s, %s, open for %s s)', pid, coalesce(usename, '?'),
      coalesce(state, '?'), round(extract(epoch from clock_timestamp() - xact_start))) as text
    from pg_stat_activity where pid = any ($1)`
  return (await client.query(query, [pids])).rows.map((row: { text: string }) => row.text)
}
