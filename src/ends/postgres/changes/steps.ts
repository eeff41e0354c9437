/**
 * Named queries on rehome.checkpoints, for ends that are asked step by step. Each step has a
 * number: the next one is let in, the last one is answered as it was, and any other is refused. So
 * a request that was given up, and arrives when later ones have been here, changes nothing.
 */
import { RehomeError } from '../../../errors.ts'
import { type Client, inTransaction, type Pool } from '../../../postgres.ts'
import type { SqlEnd } from '../../end.ts'
import type { Applied, Checkpoint, CheckpointHold } from '../../feed.ts'
import type { FlagKey } from '../../flags.ts'
import { holdReceiving } from '../fence/holds.ts'

interface Step {
  /** 0: none has come under this epoch. */
  readonly step: number
  readonly answer: Applied | null
}

/** null: no copy has come to its end. */
export async function readStep(
  pool: Pool,
  key: FlagKey & { readonly epoch: string },
): Promise<Checkpoint | null> {
  const query = `select position, fingerprint, lacking, step::float8 as step from rehome.checkpoints
    where scope = $1 and tenant_id = $2 and epoch = $3`
  const { rows } = await pool.query(query, [key.scope, key.tenant, key.epoch])
  return rows[0] ?? null
}

/** Locked until the transaction ends. null: this step has come before, and was answered so. */
export async function nextStep(
  client: Client,
  { step, ...key }: FlagKey & { readonly epoch: string; readonly step: number },
): Promise<Step | { readonly repeated: Applied | null }> {
  // Where there is no row yet, two of them would both be the first.
  const lock = `select pg_advisory_xact_lock(hashtext($1), hashtext($2))`
  await client.query(lock, [`rehome step ${key.scope}`, key.tenant])
  const query = `select step::float8 as step, answer from rehome.checkpoints
    where scope = $1 and tenant_id = $2 and epoch = $3 for update`
  const { rows } = await client.query(query, [key.scope, key.tenant, key.epoch])
  const last: Step = rows[0] ?? { step: 0, answer: null }
  if (last.step === step) return { repeated: last.answer }
  if (last.step === step - 1) return last
  throw outOfStep(step, last.step)
}

export function outOfStep(step: number, last: number): RehomeError {
  return new RehomeError('USAGE', `step ${step} does not follow ${last}, the last that came`)
}

/** In the transaction of its rows. */
export async function endStep(
  client: Client,
  { scope, tenant, epoch, step }: CheckpointHold & { readonly step: number },
  answer: Applied,
): Promise<void> {
  const query = `update rehome.checkpoints set step = $4, answer = $5, lacking = lacking or $6
    where scope = $1 and tenant_id = $2 and epoch = $3`
  const lacks = answer.collided.length > 0
  await client.query(query, [scope, tenant, epoch, step, JSON.stringify(answer), lacks])
}

/** A `pg_snapshot` for who asks by another: it is older than every transaction. */
const seesNothing = '1:1:'

/** Another attempt begins where one has left rows out, or holds what only they had. */
const begun = '(excluded.step = 1 and old.epoch <> excluded.epoch)'

export async function writeStep(
  end: SqlEnd,
  hold: CheckpointHold,
  checkpoint: Checkpoint,
): Promise<void> {
  await inTransaction(end.pool, async (client) => {
    await holdReceiving(client, hold, end)
    const last = await nextStep(client, { ...hold, step: checkpoint.step })
    if ('repeated' in last) return
    const query = `
      insert into rehome.checkpoints as old
        (scope, tenant_id, epoch, seen, fingerprint, position, step, lacking)
      values ($1, $2, $3, $4, $5, $6, $7, $8)
      on conflict (scope, tenant_id) do update set epoch = excluded.epoch, seen = excluded.seen,
        fingerprint = excluded.fingerprint, position = excluded.position, step = excluded.step,
        lacking = excluded.lacking or ${begun} and (old.lacking or old.step > 1), answer = null`
    const { position, fingerprint, step, lacking } = checkpoint
    const { scope, tenant, epoch } = hold
    const at = [scope, tenant, epoch, seesNothing, fingerprint, position, step, lacking]
    await client.query(query, at)
    if (step === 1) await keepForLater(client, hold)
  })
}

/**
 * Steps count from 1 again in each attempt: what an earlier one has kept belongs to none of them,
 * and waits until its row comes.
 */
async function keepForLater(client: Client, { scope, tenant }: CheckpointHold): Promise<void> {
  const query = `update rehome.changed_keys set step = 0
    where scope = $1 and tenant_id = $2 and kind = 'kept'`
  await client.query(query, [scope, tenant])
}
