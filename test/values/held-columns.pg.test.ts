// Columns that only one end has are kept for the row whose key is equal, however that is written
// when the row comes again: with the same step as it goes, or with a later one.
import { randomUUID } from 'node:crypto'
import { expect, test } from 'vitest'
import type { SqlEnd } from '../../src/ends/end.ts'
import { readCatalog } from '../../src/ends/postgres/catalog/read-catalog.ts'
import { holdColumns, restoreColumns } from '../../src/ends/postgres/changes/held-columns.ts'
import { flagsAt } from '../../src/ends/postgres/fence/flags-at.ts'
import { migrate } from '../../src/migrations.ts'
import type { CatalogTable } from '../../src/plan/catalogs/catalog.ts'
import { inTransaction } from '../../src/postgres.ts'
import { createDatabase } from '../helpers/database.ts'

const tables = `create extension citext;
  create table people (name citext, n numeric, tenant_id text, old text, primary key (name, n));
  insert into people values ('alice', 1.0, 'acme', 'of alice'), ('bob', 2, 'acme', null),
    ('gone', 3, 'acme', 'of nobody')`

const [key, keep] = [['name', 'n'], ['old']]
const columns = [...key, 'tenant_id']
const arriving = [
  ['ALICE', '1.00', 'acme'],
  ['Bob', '2.0', 'acme'],
  ['new', '4', 'acme'],
]
const nothing = { columns: [], values: [] }
const step = {
  ...{ scope: 'default', tenant: 'acme', token: randomUUID(), epoch: randomUUID(), step: 1 },
  ...{ table: 'people', key, columns, keep, parents: nothing, undone: false },
}
const remove = [
  ['ALICE', '1'],
  ['BOB', '2'],
  ['GONE', '3'],
]
const insert = `insert into people values ('ALICE', 1.00, 'acme', 'default'),
  ('Bob', 2.0, 'acme', 'default'), ('new', 4, 'acme', 'default')`

const none = { collided: [], orphaned: [] }

async function opened(tables: string) {
  const database = await createDatabase()
  const { pool } = database
  await migrate(pool, 'endpoint')
  await pool.query(tables)
  await pool.query(`insert into rehome.checkpoints (scope, tenant_id, epoch, seen, fingerprint)
    values ('default', 'acme', '${step.epoch}', '1:1:', 'f')`)
  const place = { schema: 'public', address: 'here', place: 'here' }
  const flags = flagsAt(pool)
  const end: SqlEnd = { name: 'source', ...place, pool, lifeline: pool, flags }
  const table = (await readCatalog(pool, end, [])).tables.get('people') as CatalogTable
  return { database, pool, end, table }
}

test.each(['one step', 'two steps'])('a row goes and comes again with %s', async (steps) => {
  const { database, pool, end, table } = await opened(tables)
  await using _ = database
  await inTransaction(pool, async (client) => {
    const going = { ...step, remove, rows: [] }
    const coming = { ...step, remove, rows: arriving }
    const isOne = steps === 'one step'
    await holdColumns(client, { table, change: isOne ? coming : going }, 'from public.people r')
    await client.query('truncate people')
    if (!isOne) await restoreColumns(client, end, { table, change: going, left: none })
    await client.query(insert)
    const change = { ...coming, step: isOne ? 1 : 2 }
    // The second row is left out at first, and comes with another step.
    await restoreColumns(client, end, { table, change, left: { collided: [1], orphaned: [] } })
    const rest = { ...change, step: 3, remove: [], rows: arriving.slice(1) }
    await restoreColumns(client, end, { table, change: rest, left: none })
  })
  const { rows } = await pool.query('select name || old as r from people order by name')
  expect(rows.map(({ r }) => r)).toEqual(['ALICEof alice', null, 'newdefault'])
})

test('columns of large rows stay in the database while their rows go and come', async () => {
  const { database, pool, end, table } = await opened(`
    create table people (name text, n int, tenant_id text, old text, primary key (name, n));
    insert into people select 'n' || g, g, 'acme', repeat(md5(g::text), 32768)
      from generate_series(1, 40) g`)
  await using _ = database
  await inTransaction(pool, async (client) => {
    const arrived = () => (client as unknown as { connection: Connection }).connection.stream
    const rows = Array.from({ length: 40 }, (_, i) => [`n${i + 1}`, `${i + 1}`, 'acme'])
    const change = { ...step, remove: rows.map((row) => row.slice(0, 2)), rows }
    const [read, written] = [arrived().bytesRead, arrived().bytesWritten]
    await holdColumns(client, { table, change }, 'from public.people r')
    await client.query('update people set old = null')
    await restoreColumns(client, end, { table, change, left: none })
    expect(arrived().bytesRead - read).toBeLessThan(10_000)
    expect(arrived().bytesWritten - written).toBeLessThan(20_000)
  })
  const { rows } = await pool.query('select sum(length(old))::int as n from people')
  expect(rows).toEqual([{ n: 40 * 1024 * 1024 }])
  expect((await pool.query('select from rehome.changed_keys')).rowCount).toBe(0)
})

interface Connection {
  readonly stream: { readonly bytesRead: number; readonly bytesWritten: number }
}
