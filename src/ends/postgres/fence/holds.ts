/** Under what the transactions run in which an attempt writes a closed tenant's rows. */

import { RehomeError } from '../../../errors.ts'
import type { Client } from '../../../postgres.ts'
import type { Flag, Hold } from '../../flags.ts'
import { rowPath, type Schemas } from '../search-path.ts'
import { sessionName } from './turns.ts'

/**
 * First statement of each transaction of ours that writes a closed tenant's rows: the row lock
 * makes a takeover wait for this transaction, and a worker that was taken over finds no row.
 *
 * What is written until the transaction ends calls functions of the application, at least those of
 * its checks: they find what they name by the path that the plan gives them.
 */
export async function holdFlag(
  client: Client,
  hold: Hold,
  end: Schemas,
): Promise<Flag['mode'] | null> {
  // The turn's row is not locked: the attempt with the next turn ends this transaction, by its
  // name.
  const query = `select f.mode, set_config('rehome.token', $3::text, true),
      set_config('application_name', $4, true), set_config('search_path', $5, true)
    from rehome.tenant_flags f join rehome.turns t using (scope, tenant_id)
    where f.scope = $1 and f.tenant_id = $2 and f.token = $3::uuid and t.token = $3::uuid
    for share of f`
  const { scope, tenant, token } = hold
  const values = [scope, tenant, token, sessionName(hold), rowPath(end)]
  const result = await client.query(query, values)
  return result.rows[0]?.mode ?? null
}

/** Locks a hold to write rows: throws FENCE_LOST unless the end receives them from this attempt. */
export async function holdReceiving(client: Client, hold: Hold, end: Schemas): Promise<void> {
  const mode = await holdFlag(client, hold, end)
  if (mode === 'receiving') return
  const message = `the target is ${mode ?? 'not closed by this attempt'}: no row was written there`
  throw new RehomeError('FENCE_LOST', message, { tenant: hold.tenant })
}
