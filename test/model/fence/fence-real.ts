/**
 * Runs the same commands at a real database, through src/ends/postgres/. The only file of the model
 * that knows how those functions are called.
 */

import { randomUUID } from 'node:crypto'
import type pg from 'pg'
import { drain } from '../../../src/ends/postgres/fence/drain.ts'
import * as holds from '../../../src/ends/postgres/fence/holds.ts'
import { lowerLapsed, openWith } from '../../../src/ends/postgres/fence/leftovers.ts'
import * as flags from '../../../src/ends/postgres/fence/tenant-flags.ts'
import { takeTurn } from '../../../src/ends/postgres/fence/turns.ts'
import { openPool } from '../../helpers/database.ts'
import { eventually } from '../../helpers/eventually.ts'
import type { World } from '../../helpers/world.ts'
import {
  type AttemptOp,
  levels,
  moveOf,
  type Op,
  type Outcome,
  type WriterOp,
} from './fence-model.ts'

const key = { scope: 'default', tenant: 'acme' }
const attempts = [0, 1, 2]
const signal = new AbortController().signal
const leaseMs = 3_600_000

export class RealFence implements AsyncDisposable {
  readonly #pool: pg.Pool
  readonly #writers = new Map<number, pg.PoolClient>()
  readonly #holding = new Map<number, pg.PoolClient>()
  readonly #tokens: readonly string[] = attempts.map(() => randomUUID())
  readonly #epochs: readonly string[] = attempts.map(() => randomUUID())
  readonly #moves: readonly string[] = attempts.map(() => randomUUID())
  #days = 0

  private constructor(pool: pg.Pool) {
    this.#pool = pool
  }

  /** No session waits for a lock for more than an instant, so that a wait is an outcome. */
  static async open(world: World): Promise<RealFence> {
    const options = '-c lock_timeout=30'
    const pool = openPool(world.source.url, { max: 9, options })
    await pool.query(`delete from rehome.tenant_flags; delete from rehome.turns;
      delete from visits where tenant_id = 'acme'`)
    return new RealFence(pool)
  }

  async perform(op: Op): Promise<Outcome> {
    try {
      if ('writer' in op) return await this.#write(op)
      return (await this.#change(op)) ? 'yes' : 'no'
    } catch (error) {
      return outcomeOf(error)
    }
  }

  /** The flag as everybody sees it, in the model's numbers. */
  async flag() {
    const flag = await flags.readFlag(this.#pool, key)
    if (!flag) return null
    const { mode, lapsed } = flag
    const [token, epoch] = [this.#tokens.indexOf(flag.token), this.#epochs.indexOf(flag.epoch)]
    return { mode, lapsed, token, epoch, move: this.#moves.indexOf(flag.moveId) }
  }

  async #change(op: Exclude<Op, WriterOp>): Promise<boolean> {
    const pool = this.#pool
    if (op.do === 'lapse') return await this.#lapse()
    if (op.do === 'reap') return await lowerLapsed(pool, key)
    if (op.do === 'open') return await openWith(pool, { ...key, key: this.#epochs[op.epoch] ?? '' })
    if (op.do === 'drain') {
      await drain(pool, { tenant: key.tenant, drainMs: 0, signal })
      return true
    }
    return await this.#ofAttempt(op)
  }

  async #ofAttempt(op: AttemptOp): Promise<boolean> {
    const pool = this.#pool
    const hold = { ...key, token: this.#tokens[op.by] ?? '' }
    const moveId = this.#moves[moveOf(op.by)] ?? ''
    const epoch = this.#epochs[op.by] ?? ''
    const told = { ...hold, moveId, epoch, reason: 'test', retryAfterS: 1 }
    switch (op.do) {
      case 'takeTurn':
        return await this.#takeTurn(hold, op.by)
      case 'raise':
        return (await flags.raiseFence(pool, { ...told, leaseMs })) !== null
      case 'claim': {
        const ours = this.#moves.slice(0, moveOf(op.by) + 1)
        return (await flags.claimTarget(pool, { ...told, ours })) !== null
      }
      case 'renew':
        return await flags.renewLease(pool, hold, leaseMs)
      case 'markMoved':
        return (await flags.markMoved(pool, hold, 'there')) !== null
      case 'letOpen':
        return await flags.letOpen(pool, hold, epoch)
      case 'remove':
        return await flags.removeFlag(pool, hold, op.mode)
      case 'adopt':
        return await flags.adopt(pool, { ...hold, moveId, mode: op.mode })
      case 'takeOver': {
        const change = { ...hold, moveId, epoch: this.#epochs[op.epoch] ?? '', leaseMs }
        return (await flags.takeOver(pool, change)) !== null
      }
      case 'hold':
        return await this.#hold(op.by, hold)
      case 'letGo':
        return await this.#letGo(op.by)
    }
  }

  async #lapse(): Promise<boolean> {
    const query = `update rehome.tenant_flags set expires_at = clock_timestamp() - interval '1 s'
      where tenant_id = 'acme' and mode = 'read_only'`
    return (await this.#pool.query(query)).rowCount === 1
  }

  /** Takes the turn. Sessions that it ends are gone when this returns. */
  async #takeTurn(hold: Parameters<typeof takeTurn>[1], by: number): Promise<boolean> {
    if (!(await takeTurn(this.#pool, hold, String(by + 1)))) return false
    const pids = [...this.#holding.values()].map((client) => processOf(client))
    const query = 'select from pg_stat_activity where pid = any ($1)'
    await eventually(async () => {
      if ((await this.#pool.query(query, [pids])).rowCount !== 0) throw new Error('not ended yet')
    })
    for (const client of this.#holding.values()) client.release(true)
    this.#holding.clear()
    return true
  }

  async #hold(by: number, hold: Parameters<typeof holds.holdFlag>[1]): Promise<boolean> {
    const client = await this.#pool.connect()
    try {
      await client.query('begin')
      if ((await holds.holdFlag(client, hold, { schema: 'public' })) !== null) {
        this.#holding.set(by, client)
        return true
      }
    } finally {
      if (!this.#holding.has(by)) client.release(true)
    }
    return false
  }

  async #letGo(by: number): Promise<boolean> {
    const client = this.#holding.get(by)
    this.#holding.delete(by)
    await client?.query('commit')
    client?.release()
    return client !== undefined
  }

  async #write({ writer, do: what }: WriterOp): Promise<Outcome> {
    if (what === 'begin') {
      const client = await this.#pool.connect()
      this.#writers.set(writer, client)
      await client.query(`begin isolation level ${levels[writer]}`)
      await client.query('select from rehome.tenant_flags')
      return 'yes'
    }
    const client = this.#writers.get(writer)
    if (!client) return 'no'
    if (what === 'write') {
      this.#days += 1
      const insert = `insert into visits values ('acme', date '2026-01-01' + $1::int, 1)`
      const outcome = await client.query(insert, [this.#days]).then(() => 'accepted', outcomeOf)
      if (outcome !== 'accepted') await this.#end(writer, 'rollback')
      return outcome as Outcome
    }
    return await this.#end(writer, what)
  }

  async #end(writer: number, how: 'commit' | 'rollback'): Promise<Outcome> {
    const client = this.#writers.get(writer)
    this.#writers.delete(writer)
    await client?.query(how)
    client?.release()
    return 'yes'
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of [...this.#writers.values(), ...this.#holding.values()])
      client.release(true)
    await this.#pool.end()
  }
}

/** The server's number of its process for this connection. */
function processOf(client: pg.PoolClient): number {
  return 'processID' in client ? Number(client.processID) : 0
}

function outcomeOf(error: unknown): Outcome {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  if (code === '25006' || code === '40001') return code
  if (code === '55P03') return 'blocked'
  if (code === 'DRAIN_TIMEOUT') return 'timeout'
  throw error
}
