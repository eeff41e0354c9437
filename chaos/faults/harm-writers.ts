/**
 * Faults of the application: a transaction that touches a tenant and stays open, and one that is
 * prepared and forgotten. Where a fence has lapsed such a writer may be the first one. Neither
 * changes anything in the end.
 */
import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import type pg from 'pg'
import { type Ends, endNames } from '../tenants.ts'

export interface TenantHarm {
  readonly pools: Ends<pg.Pool>
  readonly tenant: string
  /** For how long it is tried to get in, in ms. */
  readonly tryMs: number
  /** Resolves when the transaction is to end. */
  readonly lasting: () => Promise<void>
}

/** Returns whether the tenant was touched. */
export async function holdTenant(harm: TenantHarm): Promise<boolean> {
  return await withTouched(harm, harm.lasting)
}

/** Holds the tenant without a session: the transaction is prepared, and rolled back at last. */
export async function prepareTenant(harm: TenantHarm): Promise<boolean> {
  const id = `chaos ${randomUUID()}`
  return await withTouched(harm, async (client, end) => {
    await client.query(`prepare transaction '${id}'`)
    try {
      await harm.lasting()
    } finally {
      await rollBackPrepared(harm.pools[end], id)
    }
  })
}

async function withTouched(
  { pools, tenant, tryMs }: TenantHarm,
  work: (client: pg.PoolClient, end: (typeof endNames)[number]) => Promise<void>,
): Promise<boolean> {
  const deadline = performance.now() + tryMs
  const touch = 'update tenants set name = name where id = $1'
  while (performance.now() < deadline) {
    for (const end of endNames) {
      const client = await pools[end].connect()
      try {
        await client.query('begin')
        const touched = await client.query(touch, [tenant]).catch(() => null)
        if (!touched?.rowCount) continue
        await work(client, end)
        return true
      } finally {
        // Whatever it has begun ends with its connection.
        client.release(true)
      }
    }
    await delay(20)
  }
  return false
}

/** Until it is gone: it would keep the tenant from moving for ever. */
async function rollBackPrepared(pool: pg.Pool, id: string): Promise<void> {
  for (let tries = 1; tries <= 120; tries += 1) {
    const isGone = await pool.query(`rollback prepared '${id}'`).then(
      () => true,
      (error: { code?: string }) => error.code === '42704',
    )
    if (isGone) return
    await delay(250)
  }
  throw new Error(`the prepared transaction "${id}" could not be rolled back`)
}
