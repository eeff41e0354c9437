// Managed services: everything is done by the one role that the service gives its customer, which
// is no superuser. docs/managed-postgresql.md has a row for each service of this file.
import { readFileSync } from 'node:fs'
import pg from 'pg'
import { expect, inject, test } from 'vitest'
import { readCatalog } from '../../../src/ends/postgres/catalog/read-catalog.ts'
import { createPool } from '../../../src/postgres.ts'
import { createDatabase } from '../../helpers/database.ts'
import { partOf } from '../../helpers/rotation.ts'
import { password } from '../roles-world.ts'
import { moveAsCustomerOf, services } from './managed-world.ts'

// The others' rights are the same, or lie between these two: managed.all.test.ts moves with all.
test.each(partOf(['Amazon RDS', 'Google Cloud SQL'], 2))(
  'the role of %s installs, moves a tenant online and brings it back with its writes',
  async (name) => await moveAsCustomerOf(name),
)

test('the document has a row for each service, and says which may move online', () => {
  const url = new URL('../../../docs/managed-postgresql.md', import.meta.url)
  const rows = readFileSync(url, 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('| '))
  const told = rows.slice(1).map((row) =>
    row
      .split('|')
      .map((cell) => cell.trim())
      .slice(1, 4),
  )
  const expected = Object.entries(services).map(([name, { attributes, switches }]) => {
    return [name, attributes.toUpperCase(), switches ? 'yes' : 'not by default']
  })
  expect(told).toEqual(expected)
})

test('whether the role may switch foreign keys off is found by trying, and nothing stays set', async () => {
  await using database = await createDatabase()
  const name = `asked of ${database.name}`
  const role = pg.escapeIdentifier(name)
  await database.pool.query(`create table things (id int primary key)`)
  await database.pool.query(`create role ${role} login password ${pg.escapeLiteral(password)}`)
  const url = new URL(database.url)
  url.username = encodeURIComponent(name)
  url.password = encodeURIComponent(password)
  const pool = createPool({ url: url.href, name: 'source', size: 1 })
  const asked = async () => (await readCatalog(pool, { schema: 'public' }, [])).mayReplicate
  try {
    expect(await asked()).toBe(false)
    await database.pool.query(`grant set on parameter session_replication_role to ${role}`)
    expect(await asked()).toBe(true)
    const query = `select current_setting('session_replication_role') as role,
      pg_current_xact_id_if_assigned() is null as nothing`
    expect((await pool.query(query)).rows).toEqual([{ role: 'origin', nothing: true }])
  } finally {
    await pool.end()
    const admin = new pg.Client({ connectionString: inject('postgresUrl') })
    await admin.connect()
    await database.pool.query(`drop owned by ${role}`)
    await admin.query(`drop role ${role}`)
    await admin.end()
  }
})
