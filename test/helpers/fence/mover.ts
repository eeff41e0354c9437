// What a worker does to a fence, step by step: the product's own functions, on a pool of its own.

import { randomUUID } from 'node:crypto'
import { expect } from 'vitest'
import type { Flag, Hold } from '../../../src/ends/flags.ts'
import { drain } from '../../../src/ends/postgres/fence/drain.ts'
import {
  markMoved,
  readFlag,
  removeFlag,
  renewLease,
} from '../../../src/ends/postgres/fence/tenant-flags.ts'
import type { Pool } from '../../../src/postgres.ts'
import { eventually } from '../eventually.ts'
import { raiseFence } from '../fenced.ts'
import { type Fenced, takeSnapshot } from './fenced.ts'
import type { Tenant } from './schema.ts'

export interface MoverOptions {
  readonly pool?: Pool
  /** Default 60,000. */
  readonly leaseMs?: number
  readonly scope?: string
  /** Default: no limit. */
  readonly referencesMax?: number
}

export type Mover = ReturnType<typeof createMover>

export function createMover(db: Fenced, tenant: Tenant | '*', options: MoverOptions = {}) {
  const { pool = db.moverPool(), leaseMs = 60_000, scope = 'default' } = options
  const { referencesMax = Number.POSITIVE_INFINITY } = options
  const moveId = randomUUID()
  const epoch = randomUUID()
  const hold: Hold = { scope, tenant, token: randomUUID() }
  const drainIt = (drainMs = 20_000) =>
    drain(pool, { tenant, drainMs, referencesMax, signal: new AbortController().signal })
  return {
    pool,
    hold,
    moveId,
    epoch,
    /** Announces the fence: from this commit on new writes are refused. */
    async raise(): Promise<void> {
      const what = { epoch, moveId, reason: 'test', retryAfterS: 7, leaseMs }
      expect(await raiseFence(pool, { ...hold, ...what })).toBe(true)
    },
    drain: drainIt,
    /** The drain, seen waiting: it has looked, and somebody is still in. */
    async drainThatWaits(drainMs?: number): Promise<{ done: Promise<unknown>; isDone(): boolean }> {
      let isDone = false
      const since = (await db.pool.query('select clock_timestamp() as t')).rows[0].t
      const done = drainIt(drainMs).finally(() => {
        isDone = true
      })
      done.catch(() => {})
      await eventually(() => hasLooked(db, since))
      return { done, isDone: () => isDone }
    },
    /** Raised, drained, and what a copy would now see. */
    async fence(): Promise<Awaited<ReturnType<typeof takeSnapshot>>> {
      await this.raise()
      await drainIt()
      return await takeSnapshot(db)
    },
    /** Writes are let in again. */
    async lower(): Promise<void> {
      expect(await removeFlag(pool, hold, 'read_only')).toBe(true)
    },
    flag: (): Promise<Flag | null> => readFlag(pool, hold),
    /** Raised with a lease that is over: the first writer may open it. */
    async raiseLapsed(): Promise<void> {
      await this.raise()
      await this.lapse()
    },
    async lapse(): Promise<void> {
      const query = `update rehome.tenant_flags set expires_at = clock_timestamp() - interval '1 s'
        where tenant_id = $1`
      expect((await pool.query(query, [tenant])).rowCount).toBe(1)
    },
    renew: (on: Pool = pool): Promise<boolean> => renewLease(on, hold, 60_000),
    cutOver: async (on: Pool = pool): Promise<boolean> =>
      (await markMoved(on, hold, 'there')) !== null,
  }
}

/** It has asked who holds the guard's lock, or waits for a bucket's row. */
async function hasLooked(db: Fenced, since: Date): Promise<void> {
  const query = `select count(*)::int as looked from pg_stat_activity
    where application_name = 'rehome mover' and datname = current_database()
      and query_start >= $1 and (query like '%pg_locks l%'
          and (state = 'idle' or query not like '%update rehome.buckets%')
        or query like '%update rehome.buckets%' and wait_event_type = 'Lock')`
  expect((await db.pool.query(query, [since])).rows[0].looked).toBeGreaterThan(0)
}
