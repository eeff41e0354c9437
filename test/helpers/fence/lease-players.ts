// Those who may meet at a lapsed lease, each with a transaction that the test holds open: a writer
// that opens the fence, the mover's renewal and the mover's cutover.
//
// The row lock of the flag decides between them: the first holds it, the others stand in line.
import { expect } from 'vitest'
import type { Pool } from '../../../src/postgres.ts'
import { eventually } from '../eventually.ts'
import type { Fenced } from './fenced.ts'
import type { Mover } from './mover.ts'
import { type Level, openWriter, type Writer } from './writer.ts'

export type Role = 'writer' | 'renewal' | 'cutover'
export type End = 'commit' | 'rollback'

export interface Player extends AsyncDisposable {
  /** The player's result: `done`, `nothing` (no row was its own), or the SQLSTATE of a refusal. */
  readonly answer: Promise<string>
  end(how: End): Promise<void>
}

export interface Table {
  readonly db: Fenced
  readonly mover: Mover
  readonly level: Level
}

export interface Place {
  /** The number among all players: writers write different rows. */
  readonly number: number
  /** Players that it stands in line behind. 0: it need not wait. */
  readonly before: number
}

/** Begins, and stands in line behind those that are in before it. */
export async function join(table: Table, role: Role, place: Place): Promise<Player> {
  const { number, before } = place
  const player = role === 'writer' ? await writer(table, number) : await moverStep(table, role)
  if (before === 0) await player.answer
  else await inLine(table.db, before)
  return player
}

async function writer({ db, level }: Table, day: number): Promise<Player> {
  const opened: Writer = await openWriter(db, level)
  const answer = opened
    .write(`insert into visits values ('acme', date '2026-02-02' + ${day}, 77)`)
    .then((code) => (code === 'accepted' ? 'done' : code))
  return {
    answer,
    async end(how) {
      expect(await opened[how]()).toBe('accepted')
    },
    [Symbol.asyncDispose]: () => opened[Symbol.asyncDispose](),
  }
}

/** The product's own query, on a pool of one connection that has begun a transaction. */
async function moverStep({ db, mover }: Table, role: 'renewal' | 'cutover'): Promise<Player> {
  const one: Pool = db.moverPool({ size: 1 })
  await one.query('begin')
  const work = role === 'renewal' ? mover.renew(one) : mover.cutOver(one)
  return {
    answer: work.then((done) => (done ? 'done' : 'nothing')),
    async end(how) {
      await one.query(how)
    },
    [Symbol.asyncDispose]: () => one.end(),
  }
}

/** Resolves once that many backends wait for the flag's row: its transaction or a place in line. */
async function inLine(db: Fenced, count: number): Promise<void> {
  const query = `select count(distinct pid)::int as waiting from pg_locks
    where not granted and locktype in ('transactionid', 'tuple')
      and pid in (select pid from pg_stat_activity where datname = current_database())`
  await eventually(async () => {
    expect((await db.pool.query(query)).rows).toEqual([{ waiting: count }])
  })
}
