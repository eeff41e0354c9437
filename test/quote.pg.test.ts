// Hostile names and values go to a real server and come back as they were.
import fc from 'fast-check'
import type { ClientBase } from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { withClient } from '../src/postgres.ts'
import { ident, idents, literal, qualified, startupOption } from '../src/quote.ts'
import { createDatabase, openPool, type TestDatabase } from './helpers/database.ts'

const hostile = [
  `"; drop table victims; --`,
  `'; drop table victims; --`,
  `\\'; drop table victims; --`,
  `$$; drop table victims; $$`,
  `/* half a comment`,
  'select',
  'UPPER lower',
  ' leading and trailing ',
  'line\nbreak\tand tab',
  '\\',
  '\\\\',
  `\\"`,
  `''`,
  `""`,
  '%s %I $1 :name ?',
  'ünï 🏠 \u202e',
  '\u0001\u001b[31m',
]

let database: TestDatabase
beforeAll(async () => {
  database = await createDatabase()
  await database.pool.query('create table victims ()')
})
afterAll(() => database.drop())

/** No more than PostgreSQL keeps of a name. */
const name = fc
  .string({ unit: 'binary', minLength: 1, maxLength: 30 })
  .filter((text) => !text.includes('\0') && Buffer.byteLength(text) <= 63)

const value = fc.string({ unit: 'binary', maxLength: 200 }).filter((text) => !text.includes('\0'))

describe('a name', () => {
  test.each(hostile)('is a column, a table and a schema, though it is %j', async (text) => {
    const table = qualified(text, text)
    await withClient(database.pool, async (client) => {
      await client.query('begin')
      await client.query(`create schema ${ident(text)}; create table ${table} (${ident(text)} int)`)
      const result = await client.query(`select ${idents([text, text])} from ${table}`)
      expect(result.fields.map((field) => field.name)).toEqual([text, text])
      const { rows } = await client.query('select nspname from pg_namespace where nspname = $1', [
        text,
      ])
      expect(rows).toEqual([{ nspname: text }])
      await client.query('rollback')
    })
    await expectVictims()
  })

  test('comes back as it was, whatever it is', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(name, { minLength: 1, maxLength: 20 }), async (names) => {
        const columns = names.map((text, i) => `${i} as ${ident(text)}`)
        const result = await database.pool.query(`select ${columns.join(', ')}`)
        expect(result.fields.map((field) => field.name)).toEqual(names)
      }),
    )
  })
})

describe('a value', () => {
  test.each(['on', 'off'])(
    'comes back as it was where standard_conforming_strings is %s',
    async (setting) => {
      await withClient(database.pool, async (client) => {
        await client.query(`set standard_conforming_strings = ${setting}`)
        await client.query('set backslash_quote = off; set escape_string_warning = off')
        await expectSame(client, hostile)
        const values = fc.array(value, { minLength: 1, maxLength: 20 })
        await fc.assert(fc.asyncProperty(values, (texts) => expectSame(client, texts)))
        await client.query('reset all')
      })
      await expectVictims()
    },
  )

  test('may stand right behind a word', async () => {
    const { rows } = await database.pool.query(`select 1 where '\\'=${literal('\\')}`)
    expect(rows).toHaveLength(1)
    const words = await database.pool.query(`select date${literal('2026-01-02')}::text as day`)
    expect(words.rows).toEqual([{ day: '2026-01-02' }])
  })
})

describe('a start-up option', () => {
  test.each([...hostile, 'a\vb\fc\rd', "it's"])(
    'puts schema %j into the search path',
    async (text) => {
      await database.pool.query(`create schema if not exists ${ident(text)}`)
      const options = startupOption('search_path', ident(text))
      const pool = openPool(database.url, { options })
      try {
        const { rows } = await pool.query('select current_schema() as schema')
        expect(rows).toEqual([{ schema: text }])
      } finally {
        await pool.end()
      }
    },
  )
})

test('a NUL, which would end the statement halfway, is refused before it is sent', () => {
  for (const quote of [ident, literal, (text: string) => startupOption('a', text)]) {
    expect(() => quote('public\0; drop table victims')).toThrow(
      '"public\\u0000; drop table victims" contains a NUL',
    )
  }
})

async function expectSame(client: ClientBase, texts: readonly string[]): Promise<void> {
  const result = await client.query(
    `select array[${texts.map(literal).join(',')}]::text[] as texts`,
  )
  expect(result.rows[0].texts).toEqual(texts)
}

async function expectVictims(): Promise<void> {
  const { rows } = await database.pool.query(`select to_regclass('public.victims') as victims`)
  expect(rows).toEqual([{ victims: 'victims' }])
}
