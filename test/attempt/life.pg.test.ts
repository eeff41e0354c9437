// What deaths and zombies of attempts rest on: a life that has ended reaches no server, and one
// that is held sends nothing before it wakes up.
import { expect, test } from 'vitest'
import { createPool, type Pool } from '../../src/postgres.ts'
import { Life, lend } from '../helpers/attempts/life.ts'
import { createDatabase, type TestDatabase } from '../helpers/database.ts'
import { eventually } from '../helpers/eventually.ts'

function lentPool({ url }: TestDatabase): Pool {
  const pool = createPool({ url, name: 'life' })
  lend(pool)
  return pool
}

async function exists({ pool }: TestDatabase, table: string): Promise<boolean> {
  return (await pool.query('select to_regclass($1) is not null as yes', [table])).rows[0].yes
}

async function begun(life: Life, pool: Pool) {
  return await life.live(async () => {
    const client = await pool.connect()
    await client.query('begin; create table public.begun ()')
    const { pid } = (await client.query('select pg_backend_pid() as pid')).rows[0]
    return { client, pid }
  })
}

test('a life that ends is rolled back, and nothing later of it reaches the server', async () => {
  await using database = await createDatabase()
  const pool = lentPool(database)
  const life = new Life()
  const { client, pid } = await begun(life, pool)
  life.die()
  await expect(life.live(() => client.query('commit'))).rejects.toThrow()
  await expect(life.live(() => pool.query('create table public.late ()'))).rejects.toThrow('dead')
  const session = 'select from pg_stat_activity where pid = $1'
  await eventually(async () => {
    expect((await database.pool.query(session, [pid])).rowCount).toBe(0)
  })
  expect(await exists(database, 'begun')).toBe(false)
  expect(await exists(database, 'late')).toBe(false)
  // Others share its pool.
  await pool.query('create table public.other ()')
  expect(await exists(database, 'other')).toBe(true)
  client.release()
  await pool.end()
})

test('a life that is held sends nothing before it wakes up', async () => {
  await using database = await createDatabase()
  const pool = lentPool(database)
  const life = new Life()
  const { client } = await begun(life, pool)
  life.hold()
  const committed = life.live(() => client.query('commit'))
  const asked = life.live(() => pool.query('create table public.asked ()'))
  for (let i = 0; i < 50; i += 1) {
    expect(await exists(database, 'begun')).toBe(false)
    expect(await exists(database, 'asked')).toBe(false)
  }
  life.wake()
  await Promise.all([committed, asked])
  expect(await exists(database, 'begun')).toBe(true)
  expect(await exists(database, 'asked')).toBe(true)
  client.release()
  await pool.end()
})

test('a life whose session was ended while it was held finds that out', async () => {
  await using database = await createDatabase()
  const pool = lentPool(database)
  const life = new Life()
  const { client, pid } = await begun(life, pool)
  life.hold()
  const committed = life.live(() => client.query('commit'))
  await database.pool.query('select pg_terminate_backend($1, 5000)', [pid])
  life.wake()
  await expect(committed).rejects.toThrow()
  expect(await exists(database, 'begun')).toBe(false)
  client.release(true)
  await pool.end()
})
