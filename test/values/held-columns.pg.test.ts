// Columns that only one end has are kept for the row whose key is equal, however that is written
// when the row comes again: with the same step as it goes, or with a later one.
import { randomUUID } from 'node:crypto'
import { expect, test } from 'vitest'
import { readCatalog } from '../../src/ends/postgres/catalog/read-catalog.ts'
import { heldColumns, restoreColumns } from '../../src/ends/postgres/changes/held-columns.ts'
import type { Kept } from '../../src/ends/postgres/changes/steps.ts'
import { flagsAt } from '../../src/ends/postgres/fence/flags-at.ts'
import type { SqlEnd } from '../../src/ends/postgres/postgres-end.ts'
import type { CatalogTable } from '../../src/plan/catalogs/catalog.ts'
import { inTransaction } from '../../src/postgres.ts'
import { createDatabase } from '../helpers/database.ts'

const tables = `create extension citext;
  create table people (name citext, n numeric, tenant_id text, old text, primary key (name, n));
  insert into people values ('alice', 1.0, 'acme', 'of alice'), ('bob', 2, 'acme', null),
    ('gone', 3, 'acme', 'of nobody')`

const [key, keep] = [['name', 'n'], ['old']]
const columns = [...key, 'tenant_id']
const coming = [
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

test.each(['one step', 'two steps'])('a row goes and comes again with %s', async (steps) => {
  await using database = await createDatabase()
  const { pool } = database
  await pool.query(tables)
  const place = { schema: 'public', address: 'here', place: 'here' }
  const flags = flagsAt(pool)
  const end: SqlEnd = { kind: 'sql', name: 'source', ...place, pool, lifeline: pool, flags }
  const table = (await readCatalog(pool, end, [])).tables.get('people') as CatalogTable
  const kept: Kept = {}
  await inTransaction(pool, async (client) => {
    const going = { ...step, remove, rows: [] }
    const held = await heldColumns(client, going, 'from public.people r')
    await client.query('truncate people')
    const none = { collided: [], orphaned: [] }
    if (steps === 'two steps') {
      await restoreColumns(client, end, { table, change: going, kept, held, left: none })
      expect(Object.keys(kept.people ?? {})).toHaveLength(3)
    }
    await client.query(insert)
    const change = { ...step, remove: [], rows: coming }
    const still = steps === 'one step' ? held : []
    // The second row is left out at first, and comes with another step.
    const left = { collided: [1], orphaned: [] }
    await restoreColumns(client, end, { table, change, kept, held: still, left })
    const rest = { ...change, rows: coming.slice(1) }
    await restoreColumns(client, end, { table, change: rest, kept, held: [], left: none })
  })
  const { rows } = await pool.query('select name || old as r from people order by name')
  expect(rows.map(({ r }) => r)).toEqual(['ALICEof alice', null, 'newdefault'])
})
