/** Named queries on rehome.syncs: which changes of the other end a receiving end has. */

import type { Client, Pool } from '../../../postgres.ts'
import type { FlagKey, Hold } from '../../flags.ts'
import { ourTurn } from '../fence/turns.ts'

export interface Sync {
  /** A `pg_snapshot` of the other end: what it sees is here. */
  readonly seen: string
  /** The fingerprint of the schemas under which it came. */
  readonly fingerprint: string
}

/** null: no copy has come to its end. */
export async function readSync(
  pool: Pool,
  key: FlagKey & { readonly epoch: string },
): Promise<Sync | null> {
  const query = `select seen::text as seen, fingerprint from rehome.syncs
    where scope = $1 and tenant_id = $2 and epoch = $3`
  const { rows } = await pool.query(query, [key.scope, key.tenant, key.epoch])
  return rows[0] ?? null
}

/** In a transaction that holds the flag. */
export async function writeSync(
  client: Client,
  { scope, tenant, epoch }: FlagKey & { readonly epoch: string },
  { seen, fingerprint }: Sync,
): Promise<void> {
  const query = `
    insert into rehome.syncs (scope, tenant_id, epoch, seen, fingerprint)
    values ($1, $2, $3, $4, $5)
    on conflict (scope, tenant_id) do update set epoch = excluded.epoch, seen = excluded.seen,
      fingerprint = excluded.fingerprint`
  await client.query(query, [scope, tenant, epoch, seen, fingerprint])
}

/** Forgets a sync of any epoch while it is our turn, and else only our own. */
export async function forgetSync(
  pool: Pool,
  hold: Hold & { readonly epoch: string },
): Promise<void> {
  const query = `${ourTurn},
    gone as (delete from rehome.syncs where scope = $1 and tenant_id = $2
      and (epoch = $4 or exists (select from turn)) returning 1)
    delete from rehome.changed_keys where scope = $1 and tenant_id = $2 and kind = 'kept'
      and exists (select from gone)`
  await pool.query(query, [hold.scope, hold.tenant, hold.token, hold.epoch])
}
