// Schedules of a worker that was taken over and does not know: nothing that it does may count.

import { randomUUID } from 'node:crypto'
import type { Hold } from '../../src/ends/flags.ts'
import * as holds from '../../src/ends/postgres/fence/holds.ts'
import * as flags from '../../src/ends/postgres/fence/tenant-flags.ts'
import type { Pool } from '../../src/postgres.ts'
import { rowsOf } from '../helpers/fence/fenced.ts'
import { createMover } from '../helpers/fence/mover.ts'
import { codeOf } from '../helpers/fence/writer.ts'
import { claimTarget, nextTurn } from '../helpers/fenced.ts'
import type { Scenario, Stage } from './scenarios.ts'

const row = `insert into public.visits values ('acme', '2026-02-02', 1)`

interface Attempts {
  readonly stale: Hold
  takeOver(on: Pool): Promise<boolean>
}

/** The end is closed under an attempt's token; another may take it over under the same epoch. */
async function closedEnd({ db, pool }: Stage): Promise<Attempts> {
  const mover = createMover(db, 'acme', { pool })
  const { hold: stale, moveId, epoch } = mover
  const claim = { ...stale, moveId, epoch, reason: 'moving in', retryAfterS: 5, ours: [] }
  if (!(await claimTarget(pool, claim))) throw new Error('the end was not free')
  const change = { ...stale, token: randomUUID(), moveId, epoch, leaseMs: 60_000 }
  return {
    stale,
    async takeOver(on) {
      await nextTurn(db.pool, change)
      return (await flags.takeOver(on, change)) !== null
    },
  }
}

/** It writes under its old token after another attempt has taken over. */
export const staleTokenWrites: Scenario = async (stage) => {
  const { stale, takeOver } = await closedEnd(stage)
  await takeOver(stage.pool)
  const client = await stage.db.pool.connect()
  await client.query(`select set_config('rehome.token', $1, false)`, [stale.token])
  const code = await codeOf(client.query(row))
  client.release(true)
  return code === 'accepted' ? 'a row was written under an old token' : null
}

/** Its chunk is open while another attempt takes over and looks at what has come. */
export const staleChunkCommits: Scenario = async (stage) => {
  const { stale, takeOver } = await closedEnd(stage)
  const client = await stage.pool.connect()
  await client.query('begin')
  await holds.holdFlag(client, stale, { schema: 'public' })
  // Who takes the turn ends this session; until the signal has come only the row lock counts.
  await client.query(`set local application_name = 'not found yet'`)
  await client.query(row)
  const one = stage.db.moverPool({ size: 1 })
  await one.query(`set lock_timeout = '100ms'`)
  const taken = await takeOver(one).catch(() => false)
  const found = await rowsOf(stage.db.pool, 'acme')
  await client.query('commit')
  client.release()
  const rows = await rowsOf(stage.db.pool, 'acme')
  return taken && rows.length > found.length ? 'a chunk came after the takeover' : null
}

/** It cuts over, renews or lowers the fence after another attempt has taken over. */
export const staleStep =
  (step: 'renew' | 'cutOver' | 'lower'): Scenario =>
  async ({ db, pool }) => {
    const mover = createMover(db, 'acme', { pool })
    await mover.raise()
    const { hold, moveId, epoch } = mover
    const change = { ...hold, token: randomUUID(), moveId, epoch, leaseMs: 60_000 }
    await nextTurn(db.pool, change)
    await flags.takeOver(pool, change)
    const done =
      step === 'lower' ? await flags.removeFlag(pool, hold, 'read_only') : await mover[step]()
    return done ? `${step} was done under an old token` : null
  }

/** Its turn has passed, and everything that it knew of is gone; then it wakes up. */
export const lateStep =
  (step: 'raise' | 'claim' | 'take over' | 'adopt'): Scenario =>
  async ({ db, pool }) => {
    const late = createMover(db, 'acme', { pool })
    await late.raise()
    const { moveId, epoch } = late
    const next = { ...late.hold, token: randomUUID(), moveId, epoch, leaseMs: 60_000 }
    await nextTurn(db.pool, next)
    await flags.takeOver(db.pool, next)
    if (step === 'raise' || step === 'claim') await flags.removeFlag(db.pool, next, 'read_only')
    return (await tryStep(pool, step, { ...next, token: late.hold.token }))
      ? `it could ${step}, though its turn had passed`
      : null
  }

async function tryStep(
  pool: Pool,
  step: 'raise' | 'claim' | 'take over' | 'adopt',
  change: Hold & { moveId: string; epoch: string; leaseMs: number },
): Promise<boolean> {
  const words = { reason: 'late', retryAfterS: 5 }
  if (step === 'raise') return (await flags.raiseFence(pool, { ...change, ...words })) !== null
  if (step === 'claim')
    return (await flags.claimTarget(pool, { ...change, ...words, ours: [] })) !== null
  if (step === 'adopt') return await flags.adopt(pool, { ...change, mode: 'read_only' })
  return (await flags.takeOver(pool, change)) !== null
}
