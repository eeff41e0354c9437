// Values of removed rows by which others refer to them: bounded by how large they are.
import { expect, test } from 'vitest'
import { readCatalog } from '../../../../src/ends/postgres/catalog/read-catalog.ts'
import type { ChangedTable, Changes } from '../../../../src/ends/postgres/changes/changes.ts'
import { goneValues, noteGone } from '../../../../src/ends/postgres/changes/gone-values.ts'
import {
  goneWith,
  refuseBrokenByRemoval,
} from '../../../../src/ends/postgres/removal/broken-by-removal.ts'
import { removeRows } from '../../../../src/ends/postgres/removal/remove-rows.ts'
import { migrate } from '../../../../src/migrations.ts'
import type { CatalogTable } from '../../../../src/plan/catalogs/catalog.ts'
import { inTransaction } from '../../../../src/postgres.ts'
import { createDatabase } from '../../../helpers/database.ts'

// What an index stores is packed, so that values which repeat may be as large as any other.
const large = `repeat('x', 150000) || g`
const tables = `create table docs (id int primary key, tenant_id text, code text unique);
  create table marks (id int, code text references docs (code));
  insert into docs select g, 'acme', ${large} from generate_series(1, 60) g`

async function opened() {
  const database = await createDatabase()
  const { pool } = database
  await migrate(pool, 'endpoint')
  await pool.query(tables)
  const table = (await readCatalog(pool, { schema: 'public' }, [])).tables.get('docs')
  return { database, pool, table: table as CatalogTable }
}

test('one batch removes no more rows than a page has of their values', async () => {
  const { database, pool, table } = await opened()
  await using _ = database
  const removal = { schema: 'public', table, where: 'true', limit: 5_000, columns: ['code'] }
  const counts: number[] = []
  let largest = 0
  for (;;) {
    const [removed] = await inTransaction(pool, (client) => removeRows(client, [removal]))
    if (!removed || removed.rows === 0) break
    counts.push(removed.rows)
    largest = Math.max(largest, ...removed.values.map((texts) => texts.length))
  }
  expect(counts.reduce((sum, n) => sum + n, 0)).toBe(60)
  expect(largest).toBeGreaterThan(3 * 1024 * 1024)
  expect(largest).toBeLessThan(4.1 * 1024 * 1024)
})

test('values of all rows that a round removes stay in the database', async () => {
  const { database, pool, table } = await opened()
  await using _ = database
  await pool.query(`insert into marks select 1, code from docs where id = 7`)
  const changes = { key: { scope: 'default', tenant: 'acme' } } as Changes
  const changed = { route: { target: table } } as unknown as ChangedTable
  const columns = ['code']
  const where = `r.tenant_id = 'acme'`
  const broken = inTransaction(pool, async (client) => {
    await client.query('set local session_replication_role = replica')
    const { stream } = (client as unknown as { connection: Connection }).connection
    const before = stream.bytesRead + stream.bytesWritten
    const at = { target: client }
    await noteGone(at, changes, { table: changed, schema: 'public', columns, where })
    await removeRows(client, [{ schema: 'public', table, where, limit: null }])
    const gone = { relation: goneValues(changes, changed, columns), arrays: [] }
    const from = { schema: 'public', table, tenant: 'acme', going: [] }
    await refuseBrokenByRemoval(client, { ...from, gone }).finally(() => {
      expect(stream.bytesRead + stream.bytesWritten - before).toBeLessThan(10_000)
    })
  })
  await expect(broken).rejects.toThrow(/"marks": 1 rows refer by "marks_code_fkey"/)
})

test('rows that one statement removed are looked for by the values that it returned', async () => {
  const { database, pool, table } = await opened()
  await using _ = database
  await pool.query(`insert into marks select 1, code from docs where id = 7`)
  const broken = inTransaction(pool, async (client) => {
    await client.query('set local session_replication_role = replica')
    const removal = { schema: 'public', table, where: 'r.id < 9', limit: null, columns: ['code'] }
    const [removed = { rows: 0, values: [] }] = await removeRows(client, [removal])
    const from = { schema: 'public', table, tenant: 'acme', going: [] }
    await refuseBrokenByRemoval(client, { ...from, gone: goneWith(removed) })
  })
  await expect(broken).rejects.toThrow(/"marks": 1 rows refer/)
})

interface Connection {
  readonly stream: { readonly bytesRead: number; readonly bytesWritten: number }
}
