// A row that the target rejects is named by table, key and column, in whichever format it was sent
// and wherever among the others it stood; also where a transform in JavaScript has made it.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readCatalog } from '../../../../src/ends/postgres/catalog/read-catalog.ts'
import { copyInto, textRows } from '../../../../src/ends/postgres/copy/copy-into.ts'
import { RehomeError } from '../../../../src/errors.ts'
import type { CatalogTable } from '../../../../src/plan/catalogs/catalog.ts'
import { table } from '../../../../src/plan/plan.ts'
import { ByteWriter } from '../../../../src/values/binary/form.ts'
import { binaryForm } from '../../../../src/values/binary/forms.ts'
import type { CopyRows } from '../../../../src/values/sent-rows.ts'
import { createDatabase, type TestDatabase } from '../../../helpers/database.ts'
import { moveOf, runAll } from '../../../helpers/runs.ts'
import { createWorld } from '../../../helpers/world.ts'

let database: TestDatabase
let tables: ReadonlyMap<string, CatalogTable>
beforeAll(async () => {
  database = await createDatabase()
  await database.pool.query(`
    create table notes (id bigint primary key, tenant text not null, n int not null,
      body varchar(20) check (body <> 'poison'));
    create table days (tenant text, day date, n int not null check (n < 9), primary key (day, tenant))
      partition by range (day);
    create table days_2026 partition of days for values from ('2026-01-01') to ('2027-01-01');
    create table bare (tenant text, n int check (n < 9))`)
  const known = await readCatalog(database.pool, { schema: 'public' } as never, [])
  tables = known.tables
})
afterAll(() => database.drop())

type Row = readonly (string | null)[]

function binaryRows(rows: readonly Row[], columns: readonly string[], types: readonly string[]) {
  const out = new ByteWriter(1 << 16)
  for (const row of rows) {
    out.int16(row.length)
    for (const [i, text] of row.entries()) {
      const form = binaryForm(types[i] ?? '')
      if (text === null || !form) out.int32(-1)
      else out.field(form, text)
    }
  }
  return { bytes: out.written(), rows: rows.length, columns, format: 'binary' } satisfies CopyRows
}

/** Sends the blocks in one transaction, and returns what they were rejected with. */
async function rejected(name: string, blocks: readonly CopyRows[]): Promise<RehomeError> {
  const client = await database.pool.connect()
  try {
    await client.query('begin')
    const copy = copyInto(client, { schema: 'public', table: tables.get(name) as CatalogTable })
    for (const block of blocks) await copy.write(block)
    await copy.end()
  } catch (error) {
    if (error instanceof RehomeError) return error
    throw error
  } finally {
    client.release(true)
  }
  throw new Error('all rows were accepted')
}

const columns = ['n', 'id', 'tenant', 'body']
const types = ['int4', 'int8', 'text', 'varchar']
const rowsFrom = (first: number, count: number, change: (id: number) => Partial<Row> = () => []) =>
  Array.from({ length: count }, (_, i) => {
    const own = change(first + i)
    return ['1', String(first + i), 'acme', 'fine'].map((text, c) => {
      const other = own[c]
      return other === undefined ? text : other
    })
  })
const poisonAt = (id: number) => (other: number) =>
  (other === id ? [undefined, undefined, undefined, 'poison'] : []) as Row
const formats = [
  ['text', (rows: readonly Row[]) => textRows(rows, columns)],
  ['binary', (rows: readonly Row[]) => binaryRows(rows, columns, types)],
] as const

describe.each(formats)('a row that was sent as %s', (_, made) => {
  test.each([1, 2, 999, 1_000, 1_001, 6_000])('is named where it is number %i', async (id) => {
    const all = rowsFrom(1, 6_000, poisonAt(id))
    const blocks = [0, 1, 2, 3].map((i) => made(all.slice(i * 1_500, (i + 1) * 1_500)))
    const { code, message, data } = await rejected('notes', blocks)
    expect(code).toBe('ROW_REJECTED')
    expect(message).toMatch(/^copying to "notes": .*notes_body_check.* · the row with \(id\) = /)
    expect(data).toMatchObject({ table: 'notes', key: [String(id)] })
  })

  test('is named with the column that may not be null', async () => {
    const rows = rowsFrom(1, 10, (id) => (id === 7 ? [null] : []))
    expect((await rejected('notes', [made(rows)])).data).toMatchObject({ key: ['7'], column: 'n' })
  })

  test('is named after rows that were sent in the other format', async () => {
    const [text, binary] = formats.map(([, other]) => other(rowsFrom(1, 50)))
    const bad = made(rowsFrom(51, 50, poisonAt(60)))
    const before = bad.format === 'text' ? binary : text
    const { data } = await rejected('notes', [before as CopyRows, bad])
    expect(data).toMatchObject({ key: ['60'] })
  })
})

test('a text that its column does not hold is named with the column', async () => {
  const long = rowsFrom(1, 10, (id) =>
    id === 4 ? ([undefined, undefined, undefined, 'x'.repeat(21)] as Row) : [],
  )
  const { data } = await rejected('notes', [textRows(long, columns)])
  expect(data).toMatchObject({ table: 'notes', key: ['4'], column: 'body' })
})

test('a key of several columns is named in its order, also of a partitioned table', async () => {
  const rows = ['1', '2', '9'].map((n) => [`t\t${n}`, `2026-01-0${n}`, n])
  const { message, data } = await rejected('days', [textRows(rows, ['tenant', 'day', 'n'])])
  expect(data).toMatchObject({ table: 'days', key: ['2026-01-09', 't\\u00099'] })
  expect(message).toContain('the row with (day, tenant) = (2026-01-09, t\\u00099)')
})

test('a row without a key is rejected with its number', async () => {
  const { message, data } = await rejected('bare', [
    textRows(
      [
        ['a', '1'],
        ['a', '9'],
      ],
      ['tenant', 'n'],
    ),
  ])
  expect(message).toMatch(/COPY bare, line 2$/)
  expect(data).not.toHaveProperty('key')
})

test('a row whose block was let go is rejected all the same', async () => {
  const large = (id: number) => [String(id), 'acme', '1', id === 1 ? 'poison' : null]
  const blocks = Array.from({ length: 12 }, (_, i) => {
    const rows = Array.from({ length: 20_000 }, (_, r) => large(i * 20_000 + r + 1))
    return textRows(rows, ['id', 'tenant', 'n', 'body'])
  })
  expect(await rejected('notes', blocks)).toMatchObject({ code: 'ROW_REJECTED' })
})

test.each(['offline', 'online'] as const)(
  'what a transform has made is named: %s',
  async (strategy) => {
    const made = table<{ id: bigint; body: string }>('notes', {
      columns: { drop: ['words'] },
      transform: (row) => (row.id % 3n === 0n ? null : { ...row, body: `${row.body}!` }),
    })
    const plan = {
      ...{ strategy, chunkRows: 20, attempts: 1 },
      tables: [table('tenants', { tenant: 'id' }), made, table('visits')],
      exclude: [{ table: 'note_lines', leaveReferences: true }],
    }
    const target = `alter table notes add constraint "no poison" check (body <> 'poison!')`
    await using world = await createWorld({ plan, target })
    await world.addTenant('acme', 100)
    await world.source.pool.query(`update notes set parent_id = null, body = 'fine';
    update notes set body = 'poison' where id in (select id from notes where id % 3 = 1 order by id offset 17 limit 1)`)
    const { rows } = await world.source.pool.query(`select id from notes where body = 'poison'`)
    await using _worker = await world.work()
    const move = await moveOf(world, await runAll(world), 'acme')
    expect(move).toMatchObject({ phase: 'failed', error_code: 'ROW_REJECTED' })
    expect(move.error_data).toMatchObject({ table: 'notes', key: [rows[0].id] })
  },
)
