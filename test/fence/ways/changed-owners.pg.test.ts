// Rows that lose their tenant, or get another one, while writers of the rows below them are in:
// such a writer holds the lock of the tenant that it has seen, which says nothing of the next one.
import type pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { postgres } from '../../../src/plan/endpoint.ts'
import { definePlan, table } from '../../../src/plan/plan.ts'
import { anyOf } from '../../../src/plan/through.ts'
import { createDatabase, type TestDatabase } from '../../helpers/database.ts'
import { eventually } from '../../helpers/eventually.ts'
import { installFence } from '../../helpers/fence/install.ts'

const plan = definePlan({
  name: 'owners',
  source: postgres({ urlFrom: 'SOURCE_URL' }),
  target: postgres({ urlFrom: 'TARGET_URL' }),
  tenants: ['acme', 'beta'],
  tables: [
    table('projects', { nobody: 'stay' }),
    table('tasks', { through: 'project_id', nobody: 'stay' }),
    table('steps', { through: 'task_id', nobody: 'stay' }),
    table('files', { through: anyOf('project_id', 'task_id'), nobody: 'stay' }),
  ],
})

let db: TestDatabase
beforeAll(async () => {
  db = await createDatabase()
  await db.pool.query(`
    create table projects (id int primary key, tenant_id text);
    create table tasks (id int primary key, project_id int references projects);
    create table steps (id serial primary key, task_id int not null references tasks);
    create table files (id serial primary key, project_id int references projects, task_id int references tasks);
    insert into projects values (1, 'acme'), (2, 'beta'), (9, null);
    insert into tasks values (1, 1), (2, 2), (9, 9)`)
  await installFence(db.url, { plan })
})
afterAll(() => db.drop())

/** Numbers of the buckets that a session has the locks of. */
async function bucketsOf(client: pg.PoolClient): Promise<number[]> {
  const query = `select l.objid::int4 as bucket from pg_locks l where l.locktype = 'advisory'
    and l.classid = 1919248495 and l.pid = pg_backend_pid() order by 1`
  return (await client.query(query)).rows.map(({ bucket }) => bucket)
}

async function isWaiting(client: pg.PoolClient): Promise<void> {
  const { processID } = client as unknown as { processID: number }
  const query = 'select wait_event_type from pg_stat_activity where pid = $1'
  await eventually(async () => {
    const { rows } = await db.pool.query(query, [processID])
    expect(rows).toEqual([{ wait_event_type: 'Lock' }])
  })
}

/** Two sessions with a transaction each, which is rolled back. */
async function inTwo(work: (one: pg.PoolClient, two: pg.PoolClient) => Promise<void>) {
  const clients = [await db.pool.connect(), await db.pool.connect()] as const
  try {
    for (const client of clients) await client.query('begin')
    await work(...clients)
  } finally {
    for (const client of clients) {
      await client.query('rollback').catch(() => {})
      client.release()
    }
  }
}

test.each([
  ['insert into tasks values (10, 1)', 'update projects set tenant_id = null where id = 1'],
  ['insert into tasks values (11, 1)', `update projects set tenant_id = 'beta' where id = 1`],
  ['insert into steps values (12, 1)', 'update tasks set project_id = null where id = 1'],
  ['insert into steps values (13, 1)', 'update tasks set project_id = 9 where id = 1'],
  ['insert into steps values (14, 1)', 'update projects set tenant_id = null where id < 3'],
])('after "%s" another transaction waits with "%s"', async (child, parent) => {
  await inTwo(async (writer, owner) => {
    await writer.query(child)
    const changed = owner.query(parent)
    changed.catch(() => {})
    await isWaiting(owner)
    await writer.query('rollback')
    await changed
  })
})

test('a row whose parent lost its tenant while the writer waited is waited for by every drain', async () => {
  await inTwo(async (writer, owner) => {
    await owner.query('update projects set tenant_id = null where id = 1')
    const written = writer.query('insert into tasks values (20, 1), (21, 2)')
    await isWaiting(writer)
    await owner.query('commit')
    await written
    expect(await bucketsOf(writer)).toContain(1024)
  })
  await db.pool.query(`update projects set tenant_id = 'acme' where id = 1`)
})

test.each([
  ['by one way to a tenant and by the other to none', '(30, 1, 9)', true],
  ['by both ways to a tenant', '(31, 1, 1)', false],
  ['by one way to a tenant', '(32, 1, null)', false],
  ['to no tenant', '(33, 9, null)', true],
  ['nowhere', '(34, null, null)', false],
])(
  "a row that leads %s: the lock of any tenant is taken where it may become anybody's",
  async (_, row, taken) => {
    await inTwo(async (writer) => {
      await writer.query(`insert into files values ${row}`)
      expect((await bucketsOf(writer)).includes(1024)).toBe(taken)
    })
  },
)
