/** Named queries on rehome.checkpoints: which changes of the other end a receiving end has. */

import { type Client, endsIfIdle, type Pool } from '../../../postgres.ts'
import { literal } from '../../../quote.ts'
import type { SqlEnd } from '../../end.ts'
import type { FlagKey, Hold } from '../../flags.ts'
import { holdOrFail, refusalOf } from '../fence/holds.ts'
import { ourTurn } from '../fence/turns.ts'
import { queryTogether } from '../query-together.ts'

export interface Checkpoint {
  /** A `pg_snapshot` of the other end: what it sees is here. */
  readonly seen: string
  /** The fingerprint of the schemas under which it came. */
  readonly fingerprint: string
}

/** null: no copy has come to its end. */
export async function readCheckpoint(
  pool: Pool,
  key: FlagKey & { readonly epoch: string },
): Promise<Checkpoint | null> {
  const query = `select seen::text as seen, fingerprint from rehome.checkpoints
    where scope = $1 and tenant_id = $2 and epoch = $3`
  const { rows } = await pool.query(query, [key.scope, key.tenant, key.epoch])
  return rows[0] ?? null
}

/**
 * Ends a transaction that holds the flag, in one call: a last statement, the checkpoint, and the
 * commit.
 */
export async function commitWithCheckpoint(
  client: Client,
  key: FlagKey & { readonly epoch: string },
  { last, ...checkpoint }: Checkpoint & { readonly last: string },
): Promise<void> {
  await queryTogether(client, [last, checkpointStatement(key, checkpoint), 'commit'])
}

/** Holds the flag, writes it and commits, in one call. Throws FENCE_LOST. */
export async function commitCheckpoint(
  end: SqlEnd,
  hold: Hold & { readonly epoch: string },
  checkpoint: Checkpoint,
): Promise<void> {
  const statements = [
    'begin',
    endsIfIdle,
    holdOrFail(hold, end),
    checkpointStatement(hold, checkpoint),
    'commit',
  ]
  try {
    await queryTogether(end.pool, statements)
  } catch (error) {
    throw refusalOf(error, hold) ?? error
  }
}

function checkpointStatement(
  { scope, tenant, epoch }: FlagKey & { readonly epoch: string },
  { seen, fingerprint }: Checkpoint,
): string {
  return `
    insert into rehome.checkpoints (scope, tenant_id, epoch, seen, fingerprint)
    values (${[scope, tenant, epoch, seen, fingerprint].map(literal).join(', ')})
    on conflict (scope, tenant_id) do update set epoch = excluded.epoch, seen = excluded.seen,
      fingerprint = excluded.fingerprint`
}

/** Forgets a checkpoint of any epoch while it is our turn, and else only our own. */
export async function forgetCheckpoint(
  pool: Pool,
  hold: Hold & { readonly epoch: string },
): Promise<void> {
  const query = `${ourTurn},
    gone as (delete from rehome.checkpoints where scope = $1 and tenant_id = $2
      and (epoch = $4 or exists (select from turn)) returning 1)
    delete from rehome.changed_keys where scope = $1 and tenant_id = $2 and kind = 'kept'
      and exists (select from gone)`
  await pool.query(query, [hold.scope, hold.tenant, hold.token, hold.epoch])
}
