// Sessions of a pool for short calls. A process that stands still within a transaction must not
// keep those waiting who take its work over.
import { setTimeout as delay } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { createPool } from '../../src/postgres.ts'
import { createDatabase } from '../helpers/database.ts'

test('a transaction that says nothing is ended before those give up that wait for it', async () => {
  await using database = await createDatabase()
  const pool = createPool({ url: database.url, name: 'test', answerMs: 2_000 })
  try {
    await pool.query('create table public.moves (id int primary key, n int)')
    await pool.query('insert into public.moves values (1, 0)')
    const silent = await pool.connect()
    await silent.query('begin')
    await silent.query('update public.moves set n = n + 1')
    const waiting = [1, 2, 3].map(() => pool.query('update public.moves set n = n + 10'))
    const ends = Promise.all(waiting)
    // It goes on for a moment while they wait already.
    await delay(100)
    await silent.query('select 1')
    await ends
    const { rows } = await pool.query('select n from public.moves')
    expect(rows).toEqual([{ n: 30 }])
    await expect(silent.query('commit')).rejects.toThrow()
    silent.release(true)
  } finally {
    await pool.end()
  }
})
