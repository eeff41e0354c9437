/** Named queries on rehome.copy_progress: how many rows of a table have come, under which fence. */

import type { Client, Pool } from '../../../postgres.ts'
import { literal } from '../../../quote.ts'
import type { FlagKey, Hold } from '../../flags.ts'
import type { TableProgress } from '../../rows.ts'
import { ourTurn } from '../fence/turns.ts'

interface TableKey extends FlagKey {
  readonly epoch: string
  readonly table: string
}

export async function readProgress(
  pool: Pool | Client,
  key: FlagKey & { readonly epoch: string },
): Promise<Map<string, TableProgress>> {
  const query = `select table_name as name, rows_read::float8 as "rowsRead",
      rows_written::float8 as "rowsWritten", done, cursor
    from rehome.copy_progress where scope = $1 and tenant_id = $2 and epoch = $3`
  const result = await pool.query(query, [key.scope, key.tenant, key.epoch])
  return new Map(result.rows.map(({ name, ...progress }) => [name, progress]))
}

/** The progress of one table, in a transaction that may go on to change it. */
export async function progressOf(
  client: Client,
  key: FlagKey & { readonly epoch: string },
  table: string,
): Promise<TableProgress | undefined> {
  return (await readProgress(client, key)).get(table)
}

/** In the transaction of the rows that it counts. */
export async function writeProgress(
  client: Client,
  key: TableKey,
  progress: TableProgress,
): Promise<void> {
  await client.query(progressStatement(key, progress))
}

/** Ends the transaction with it, in one call. The last commit of a table is durable. */
export async function commitProgress(
  client: Client,
  key: TableKey,
  progress: TableProgress,
): Promise<void> {
  const durably = progress.done ? 'set local synchronous_commit = on; ' : ''
  await client.query(`${progressStatement(key, progress)}; ${durably}commit`)
}

/** In the transaction of the rows that it counts. */
export function progressStatement(key: TableKey, progress: TableProgress): string {
  const { rowsRead, rowsWritten, done, cursor } = progress
  const texts = [key.scope, key.tenant, key.epoch, key.table].map(literal)
  const values = [...texts, rowsRead, rowsWritten, done, cursor === null ? 'null' : literal(cursor)]
  return `
    insert into rehome.copy_progress
      (scope, tenant_id, epoch, table_name, rows_read, rows_written, done, cursor)
    values (${values.join(', ')})
    on conflict (scope, tenant_id, table_name) do update set epoch = excluded.epoch,
      rows_read = excluded.rows_read, rows_written = excluded.rows_written, done = excluded.done,
      cursor = excluded.cursor`
}

/** Also of rows that stayed behind. Only while the tenant's flag here is ours. */
export async function forgetProgress(pool: Pool, hold: Hold): Promise<void> {
  const query = `${ourTurn},
    quarantine as (delete from rehome.quarantine q using rehome.tenant_flags f
      where q.scope = $1 and q.tenant_id = $2 and f.scope = $1 and f.tenant_id = $2
        and f.token = $3 and exists (select from turn))
    delete from rehome.copy_progress p using rehome.tenant_flags f
    where p.scope = $1 and p.tenant_id = $2 and f.scope = $1 and f.tenant_id = $2
      and f.token = $3 and exists (select from turn)`
  await pool.query(query, [hold.scope, hold.tenant, hold.token])
}
