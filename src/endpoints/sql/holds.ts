/** Under what the transactions run in which an attempt writes a closed tenant's rows. */

import { RehomeError } from '../../errors.ts'
import type { Client } from '../../postgres.ts'
import type { Flag, Hold } from '../flags.ts'
import { sessionName } from './turns.ts'

/**
 * First statement of each transaction of ours that writes a closed tenant's rows: the row lock
 * makes a takeover wait for this transaction, and a worker that was taken over finds no row.
 */
export async function holdFlag(client: Client, hold: Hold): Promise<Flag['mode'] | null> {
  // The turn's row is not locked: whoever takes the next turn ends this transaction, by its name.
  const query = `select f.mode, set_config('rehome.token', $3::text, true),
      set_config('application_name', $4, true)
    from rehome.tenant_flags f join rehome.turns t using (scope, tenant_id)
    where f.scope = $1 and f.tenant_id = $2 and f.token = $3::uuid and t.token = $3::uuid
    for share of f`
  const { scope, tenant, token } = hold
  const result = await client.query(query, [scope, tenant, token, sessionName(hold)])
  return result.rows[0]?.mode ?? null
}

/** The same to write rows: throws FENCE_LOST unless the end receives them from this attempt. */
export async function holdReceiving(client: Client, hold: Hold): Promise<void> {
  const mode = await holdFlag(client, hold)
  if (mode === 'receiving') return
  const message = `the target is ${mode ?? 'not closed by this attempt'}: no row was written there`
  throw new RehomeError('FENCE_LOST', message, { tenant: hold.tenant })
}
