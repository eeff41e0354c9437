// Statements that sessions repeat are prepared by name, and no change of a table makes one fail.
import { expect, onTestFinished, test } from 'vitest'
import { createPool } from '../src/postgres.ts'
import { nameOf, prepareAnew } from '../src/sessions/prepared.ts'
import { createDatabase } from './helpers/database.ts'

async function openSession() {
  const database = await createDatabase()
  const pool = createPool({ url: database.url, name: 'source', size: 1 })
  onTestFinished(async () => {
    await pool.end()
    await database.drop()
  })
  const prepared = async (): Promise<string[]> => {
    const { rows } = await pool.query('select statement from pg_prepared_statements order by 1')
    return rows.map(({ statement }) => statement)
  }
  return { pool, prepared }
}

test('a statement with parameters is prepared when it is sent again, and once a session', async () => {
  const { pool, prepared } = await openSession()
  const text = 'select $1::int + 1 as next'
  const answers: number[] = []
  for (const value of [1, 2, 3]) answers.push((await pool.query(text, [value])).rows[0].next)
  expect(answers).toEqual([2, 3, 4])
  expect(await prepared()).toEqual([text])
})

test('statements without parameters, which may hold a tenant, are not', async () => {
  const { pool, prepared } = await openSession()
  for (let i = 0; i < 3; i += 1) await pool.query(`select 'acme'`)
  expect(await prepared()).toEqual([])
})

test('a statement that returns all columns goes on when its table gets another one', async () => {
  const { pool } = await openSession()
  await pool.query('create table public.facts (id int)')
  const statements = [
    ['insert into public.facts values ($1) returning *', [1]],
    ['select f.* from public.facts f where id = $1', [1]],
    ['select id, * from public.facts where id = $1', [1]],
  ] as const
  for (let i = 0; i < 3; i += 1) {
    for (const [text, values] of statements) await pool.query(text, [...values])
  }
  await pool.query(`alter table public.facts add note text default 'new'`)
  for (const [text, values] of statements) {
    expect((await pool.query(text, [...values])).rows[0]).toMatchObject({ id: 1, note: 'new' })
  }
})

test('a statement goes on when the schema that it names changes', async () => {
  const { pool } = await openSession()
  await pool.query('create table public.facts (id int)')
  const text = 'select count(*)::int as n from public.facts where id = $1'
  for (let i = 0; i < 8; i += 1) await pool.query(text, [1])
  await pool.query('drop table public.facts; create table public.facts (note text, id bigint)')
  await pool.query('insert into public.facts (id) values (1)')
  expect((await pool.query(text, [1])).rows).toEqual([{ n: 1 }])
})

test('statements are prepared anew after a change of types, and no session keeps the old ones', async () => {
  const { pool, prepared } = await openSession()
  await pool.query('create table public.facts (id int); insert into public.facts values (1)')
  const text = 'select id from public.facts where id = $1'
  for (let i = 0; i < 3; i += 1) await pool.query(text, [1])
  await pool.query('alter table public.facts alter column id type bigint')
  prepareAnew(pool)
  expect((await pool.query(text, ['3000000000'])).rows).toEqual([])
  expect((await pool.query(text, [1])).rows).toEqual([{ id: '1' }])
  expect(await prepared()).toEqual([text])
})

test('texts get names however many came before, and no session keeps more than 500', async () => {
  const { pool, prepared } = await openSession()
  const some = Math.random()
  for (let i = 0; i < 1_200; i += 1) {
    const text = `select $1::int + ${i} + ${some}`
    expect([nameOf(text), nameOf(text)]).toEqual([undefined, expect.stringMatching(/^rehome /)])
    if (i % 100 === 0) await pool.query(text, [1])
    expect((await prepared()).length).toBeLessThan(10)
  }
  const last = `select $1::int + 1199 + ${some}`
  await pool.query(last, [1])
  expect(await prepared()).toContain(last)
})
