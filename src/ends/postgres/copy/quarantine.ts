/** Named queries on rehome.quarantine: rows that could not go, and were allowed to stay behind. */
import type { Client, Pool } from '../../../postgres.ts'
import type { FlagKey } from '../../flags.ts'
import type { Quarantined } from '../../rows.ts'

/** In the transaction of the chunk that they would have been in. */
export async function writeQuarantined(
  client: Client,
  { scope, tenant, epoch, table }: FlagKey & { readonly epoch: string; readonly table: string },
  rows: readonly Quarantined[],
): Promise<void> {
  const query = `
    insert into rehome.quarantine (scope, tenant_id, epoch, table_name, key, message, content)
    values ($1, $2, $3, $4, $5, $6, $7)`
  for (const { key, message, row } of rows) {
    await client.query(query, [scope, tenant, epoch, table, key, message, JSON.stringify(row)])
  }
}

/** Without their contents. */
export async function readQuarantined(
  db: Pool | Client,
  { scope, tenant, epoch }: FlagKey & { readonly epoch: string },
): Promise<{ table: string; key: string; message: string }[]> {
  const query = `select table_name as table, key, message from rehome.quarantine
    where scope = $1 and tenant_id = $2 and epoch = $3 order by table_name, id`
  return (await db.query(query, [scope, tenant, epoch])).rows
}
