// The guard finds the tenant of a row by each of its ways: over replies at any depth, by the type
// that a row names, and all tenants of a row that has several.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { postgres } from '../../../src/plan/endpoint.ts'
import { definePlan, table } from '../../../src/plan/plan.ts'
import { sql } from '../../../src/plan/sql-text.ts'
import { anyOf } from '../../../src/plan/through.ts'
import type { TestDatabase } from '../../helpers/database.ts'
import { createFlagged } from '../../helpers/fence/flagged.ts'
import { codeOf } from '../../helpers/fence/writer.ts'

const plan = definePlan({
  name: 'ways',
  source: postgres({ urlFrom: 'SOURCE_URL' }),
  target: postgres({ urlFrom: 'TARGET_URL' }),
  tenants: ['acme'],
  strategy: 'online',
  tables: [
    table('posts'),
    table('comments', { through: anyOf('post_id', 'parent_id') }),
    table('files', {
      through: [
        { subject_id: 'posts.id', when: sql`r.subject_type = 'Post'` },
        { subject_id: 'comments.id', when: sql`r.subject_type = 'Comment'` },
      ],
    }),
  ],
})

const schema = `
  create table posts (id int primary key, tenant_id text not null);
  create table comments (id int primary key, post_id int references posts,
    parent_id int references comments deferrable initially deferred, body text);
  create table files (id int primary key, subject_type text, subject_id int);
  create index on files (subject_id);
  insert into posts values (1, 'acme'), (2, 'beta');
  insert into comments values (1, 1, null), (2, null, 1), (3, null, 2), (5, 2, null), (6, null, 5);
  insert into files values (1, 'Post', 1), (2, 'Post', 2), (3, 'Comment', 3), (4, 'Comment', 6);`

describe('while a tenant has moved away', () => {
  let db: TestDatabase
  beforeAll(async () => {
    db = await createFlagged({ schema, plan }, 'moved')
  })
  afterAll(() => db.drop())

  test.each([
    ['a reply to a reply', 'insert into comments values (10, null, 3)', '25006'],
    ["a change of a reply's text", `update comments set body = '' where id = 3`, '25006'],
    ['the removal of a reply', 'delete from comments where id = 3', '25006'],
    [
      'a reply that goes to another tenant',
      'update comments set parent_id = 6 where id = 3',
      '25006',
    ],
    [
      'a reply that comes from another tenant',
      'update comments set parent_id = 3 where id = 6',
      '25006',
    ],
    ['a row of two tenants', 'insert into comments values (10, 2, 3)', '25006'],
    ["another tenant's reply", 'insert into comments values (10, null, 6)', 'accepted'],
    ['a file of a post', `insert into files values (10, 'Post', 1)`, '25006'],
    ['a file of a deep reply', `insert into files values (11, 'Comment', 3)`, '25006'],
    [
      'a file whose type makes it another one',
      `insert into files values (12, 'Comment', 10)`,
      'accepted',
    ],
    [
      'a file of a type that no rule names',
      `insert into files values (13, 'Event', 1)`,
      'accepted',
    ],
    ['a file of a post that is not here', `insert into files values (14, 'Post', 77)`, '23503'],
    [
      'a thread in any order',
      `begin; insert into comments values (22, null, 21), (21, null, 20), (20, 2, null); commit`,
      'accepted',
    ],
  ])('%s is answered as its tenant is', async (_, statement, code) => {
    expect(await codeOf(db.pool.query(statement))).toBe(code)
    await db.pool.query('rollback')
  })
})

test('rows at any depth are logged for a tenant that is followed', async () => {
  await using db = await createFlagged({ schema, plan }, 'capturing')
  await db.pool.query(`update comments set body = '.' where id in (3, 6)`)
  await db.pool.query('update files set subject_id = subject_id where id in (3, 4)')
  // The other tenant's row may become the tenant's before this commits, with all that is below it.
  const [own, other] = [false, true].map((children) => ({ tenant: 'acme', children }))
  const [comment, reply] = [
    { ...own, id: 3 },
    { ...other, id: 6 },
  ]
  expect(await logged(db, 'comments')).toEqual([comment, reply, reply])
  const [file, others] = [
    { ...own, id: 3 },
    { ...other, id: 4 },
  ]
  expect(await logged(db, 'files')).toEqual([file, others, others])
})

test('a row that gets one more tenant is logged with the rows below it', async () => {
  await using db = await createFlagged({ schema, plan }, 'capturing')
  await db.pool.query('update comments set parent_id = 3 where id = 5')
  const entry = { tenant: 'acme', id: 5, children: true }
  // Once as the tenant's, and twice as the other one's.
  expect(await logged(db, 'comments')).toEqual([entry, entry, entry])
})

async function logged({ pool }: TestDatabase, name: string) {
  const query = `select c.oid::regclass::text as log from pg_class c where c.relkind = 'r'
    and c.relnamespace = 'rehome_log'::regnamespace and obj_description(c.oid) like '%.' || $1`
  const { log } = (await pool.query<{ log: string }>(query, [name])).rows[0] ?? {}
  const { rows } = await pool.query(
    `select rehome_tenant as tenant, id, rehome_children as children from ${log} order by id`,
  )
  return rows
}
