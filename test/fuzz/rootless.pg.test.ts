// Transactions of the fuzzer that would leave a row of a tenant without a parent are not begun.
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Row, Table, Write } from '../../fuzz/cases/case.ts'
import { drawCase } from '../../fuzz/draw/draw-case.ts'
import { isRootless } from '../../fuzz/rootless.ts'
import { createDatabase, type TestDatabase } from '../helpers/database.ts'

const drawn = drawCase(1, 1)
const [plain] = drawn.tables
const of = (name: string, change: Partial<Table>): Table => ({
  ...(plain as Table),
  ...{ name, key: ['id'], tenant: null, ways: [], referredBy: [] },
  columns: [{ ...(plain as Table).columns[0], name: 'id', type: 'numeric' } as Table['columns'][0]],
  ...change,
})
const way = { columns: ['post'], parent: 'posts', parentColumns: ['id'], kind: null }
const kase = {
  ...drawn,
  schema: 'public',
  tables: [
    of('posts', { tenant: 'tenant_id' }),
    of('notes', { ways: [{ ...way, declared: false }] }),
    of('declared', { ways: [{ ...way, declared: true }] }),
  ],
}

let database: TestDatabase
beforeAll(async () => {
  database = await createDatabase()
  await database.pool.query(
    'create table posts (id numeric primary key); insert into posts values (1)',
  )
})
afterAll(async () => await database.drop())

const row = (table: string, values: Row['values'], mark = 'a/1'): Row => {
  return { table, mark, owner: 'a', values, stray: false }
}
const insert = (...args: Parameters<typeof row>): Write => ({ kind: 'insert', row: row(...args) })
const update = (set: Row['values']): Write => ({ kind: 'update', table: 'notes', mark: 'a/1', set })

test.each<[string, boolean, Write[]]>([
  ['to a row that is there', false, [insert('notes', { post: '1.0' })]],
  ['to a row that is not there', true, [insert('notes', { post: '2' })]],
  [
    'to a row of the same transaction',
    false,
    [insert('notes', { post: '2.50' }), insert('posts', { id: '2.5' })],
  ],
  ['to nothing', true, [insert('notes', { post: 'null' })]],
  ['by a key that is declared', false, [insert('declared', { post: '2' })]],
  ['by a row of no tenant', false, [insert('notes', { post: '2' }, '-/1')]],
  ['anew, to a row that is not there', true, [update({ post: '2' })]],
  ['as before', false, [update({ body: `'x'` })]],
])('a row that refers %s: %s', async (_, expected, writes) => {
  expect(await isRootless(kase, writes, database.pool)).toBe(expected)
})
