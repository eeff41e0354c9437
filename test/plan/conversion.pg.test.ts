// The same question asked of types as PostgreSQL itself writes them.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readCatalog } from '../../src/ends/postgres/catalog/read-catalog.ts'
import type { CatalogColumn } from '../../src/plan/catalogs/catalog.ts'
import { conversionOf } from '../../src/plan/routing/conversion.ts'
import { createDatabase, type TestDatabase } from '../helpers/database.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await createDatabase()
})
afterAll(() => database.drop())

async function columnsOf(...types: string[]): Promise<CatalogColumn[]> {
  const columns = types.map((type, i) => `c${i} ${type}`).join(', ')
  await database.pool.query(`drop table if exists t; create table t (${columns})`)
  return [
    ...((await readCatalog(database.pool, { schema: 'public' }, [])).tables.get('t')?.columns ??
      []),
  ]
}

test.each([
  ['varchar(5)', 'varchar(6)', 'none'],
  ['varchar(5)', 'varchar', 'none'],
  ['varchar(5)', 'text', 'cast'],
  ['varchar(6)', 'varchar(5)', 'lossy'],
  ['char(5)', 'char(6)', 'none'],
  ['char(6)', 'char(5)', 'lossy'],
  ['char(5)', 'varchar(5)', 'cast'],
  ['char(5)', 'varchar(4)', 'lossy'],
  ['numeric(6,2)', 'numeric(8,4)', 'none'],
  ['numeric(6,2)', 'numeric(6,3)', 'lossy'],
  ['numeric', 'numeric(6,2)', 'lossy'],
  ['int', 'numeric(10)', 'cast'],
  ['int', 'numeric(9)', 'lossy'],
  ['bigint', 'numeric(19)', 'cast'],
  ['timestamptz(3)', 'timestamptz', 'none'],
  ['timestamptz', 'timestamptz(6)', 'none'],
  ['timestamptz', 'timestamptz(3)', 'lossy'],
  ['time(0)', 'time(3)', 'none'],
  ['interval', 'interval(2)', 'lossy'],
  ['bit(8)', 'bit(8)', 'none'],
  ['bit(8)', 'bit(9)', 'lossy'],
  ['bit varying(8)', 'bit varying(9)', 'none'],
  ['bit varying', 'bit varying(9)', 'lossy'],
  ['numeric(6,2)[]', 'numeric(8,4)[]', 'none'],
  ['numeric(6,2)[]', 'numeric(6,1)[]', 'lossy'],
  ['double precision', 'real', 'lossy'],
  ['real', 'double precision', 'cast'],
])('%s to %s: %s', async (from, to, conversion) => {
  const [source, target] = await columnsOf(from, to)
  expect(source && target && conversionOf(source, target)).toBe(conversion)
})

test('a domain is what it is made of', async () => {
  await database.pool.query('create domain code as varchar(5); create domain label as code')
  const [domain, text, int] = await columnsOf('label', 'text', 'int')
  expect(domain && text && conversionOf(domain, text)).toBe('cast')
  expect(domain && int && conversionOf(domain, int)).toBe('lossy')
})

test('an extreme value of the one type arrives in the other', async () => {
  const { rows } = await database.pool.query(`select
    (-2147483648)::int::numeric(10)::text as int, 9223372036854775807::numeric(19)::text as bigint,
    (-32768)::smallint::numeric(5)::text as smallint, 9999.99::numeric(6,2)::numeric(8,4)::text as n`)
  expect(rows).toEqual([
    { int: '-2147483648', bigint: '9223372036854775807', smallint: '-32768', n: '9999.9900' },
  ])
})
