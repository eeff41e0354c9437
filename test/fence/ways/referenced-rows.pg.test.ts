// The guard finds the tenant of a row by the rows that refer to it, and logs it with these: the row
// itself comes before them.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { postgres } from '../../../src/plan/endpoint.ts'
import { definePlan, table } from '../../../src/plan/plan.ts'
import type { TestDatabase } from '../../helpers/database.ts'
import { createFlagged } from '../../helpers/fence/flagged.ts'
import { codeOf } from '../../helpers/fence/writer.ts'

const plan = definePlan({
  name: 'referenced',
  source: postgres({ urlFrom: 'SOURCE_URL' }),
  target: postgres({ urlFrom: 'TARGET_URL' }),
  tenants: ['acme'],
  strategy: 'online',
  tables: [
    table('files'),
    table('avatars'),
    table('blobs', { referencedBy: ['files.blob_id', 'avatars.blob_id'] }),
    table('parts', { through: 'blob_id' }),
  ],
})

const schema = `
  create table blobs (id int primary key, body text);
  create table parts (id int primary key, blob_id int not null references blobs);
  create table files (id int primary key, tenant_id text not null, blob_id int references blobs);
  create table avatars (id int primary key, tenant_id text not null, blob_id int references blobs);
  insert into blobs select g, 'b' from generate_series(1, 6) g;
  insert into parts select g, g from generate_series(1, 6) g;
  insert into files values (1, 'acme', 1), (2, 'beta', 2), (3, 'acme', 1), (4, 'acme', null);
  insert into avatars values (1, 'acme', 3), (2, 'beta', 4)`

describe('while a tenant has moved away', () => {
  let db: TestDatabase
  beforeAll(async () => {
    db = await createFlagged({ schema, plan }, 'moved')
  })
  afterAll(() => db.drop())

  test.each([
    ['a change of a row that two of its rows refer to', `update blobs set body = '' where id = 1`],
    ['a change of a row that an avatar refers to', `update blobs set body = '' where id = 3`],
    ['a row below it', 'insert into parts values (10, 3)'],
    ['a reference to a row without a tenant', `insert into files values (10, 'acme', 5)`],
    ['the end of its last reference', 'update avatars set blob_id = null where id = 1'],
  ])('%s is refused', async (_, statement) => {
    expect(await codeOf(db.pool.query(statement))).toBe('25006')
  })

  test.each([
    ["a change of another tenant's row", `update blobs set body = '' where id = 4`],
    ['a row to which none refers yet', `insert into blobs values (20, '')`],
    ['a change of such a row', `update blobs set body = '' where id = 5`],
    ['a row below such a row', 'insert into parts values (20, 6)'],
    [
      'such a row, and then a row that refers to it',
      `begin; insert into blobs values (21, ''); insert into files values (21, 'beta', 21); commit`,
    ],
  ])('%s is accepted', async (_, statement) => {
    expect(await codeOf(db.pool.query(statement))).toBe('accepted')
  })

  test('a row without a tenant that becomes one of the tenant before it is committed is refused', async () => {
    const statements = `begin; insert into blobs values (30, '');
      insert into files values (30, 'acme', 30); commit`
    expect(await codeOf(db.pool.query(statements))).toBe('25006')
    await db.pool.query('rollback')
  })
})

test('a row is logged with the row that refers to it, whichever comes first', async () => {
  await using db = await createFlagged({ schema, plan }, 'capturing')
  await db.pool.query(`begin; insert into blobs values (10, ''), (11, '');
    insert into files values (10, 'acme', 10), (11, 'beta', 11); commit`)
  await db.pool.query(`update blobs set body = '.' where id in (3, 4)`)
  const logged = await entries(db, 'blobs')
  // The tenant of a new row is unknown yet.
  const [old, other] = [3, 4].map((id) => ({ tenant: 'acme', id, children: id === 4 }))
  // The other tenant's row may become the tenant's before this commits, with all that is below it.
  expect(logged.filter(({ id }) => id < 10)).toEqual([old, other, other])
  expect(new Set(logged.map(({ id }) => id))).toEqual(new Set([3, 4, 10, 11]))
  expect(await entries(db, 'files')).toEqual([{ tenant: 'acme', id: 10, children: true }])
})

async function entries({ pool }: TestDatabase, name: string) {
  const query = `select c.oid::regclass::text as log from pg_class c where c.relkind = 'r'
    and c.relnamespace = 'rehome_log'::regnamespace and obj_description(c.oid) like '%.' || $1`
  const { log } = (await pool.query<{ log: string }>(query, [name])).rows[0] ?? {}
  const { rows } = await pool.query<{ tenant: string; id: number; children: boolean }>(
    `select rehome_tenant as tenant, id, rehome_children as children from ${log} order by id`,
  )
  return rows
}
