// Rows of everybody at the end that a tenant moves to, while others write the same rows.
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { readCatalog } from '../../../../src/ends/postgres/catalog/read-catalog.ts'
import { differingShared, settleShared } from '../../../../src/ends/postgres/copy/shared-rows.ts'
import type { SettledRows, Settling } from '../../../../src/ends/rows.ts'
import type { Texts } from '../../../../src/ends/tenant-rows.ts'
import { table } from '../../../../src/plan/plan.ts'
import { routeTables } from '../../../../src/plan/routing/routes.ts'
import { shared } from '../../../../src/plan/shared-table.ts'
import { type Client, createPool, type Pool } from '../../../../src/postgres.ts'
import { planOf } from '../../../helpers/catalog.ts'
import { createDatabase, type TestDatabase } from '../../../helpers/database.ts'
import { eventually } from '../../../helpers/eventually.ts'

let database: TestDatabase
let pool: Pool
let settling: Settling & { readonly schema: string }

beforeAll(async () => {
  database = await createDatabase()
  pool = createPool({ url: database.url, name: 'target' })
  await database.pool.query(`
    create table plans (id int primary key);
    create table users (id int generated always as identity primary key, email text unique, doc json,
      at timestamptz, upper text generated always as (upper(email)) stored, plan_id int references plans);
    create table memberships (tenant_id text, user_id int references users,
      primary key (tenant_id, user_id))`)
  const end = { name: 'target', schema: 'public' } as const
  const catalog = await readCatalog(pool, end as never, [])
  const plan = planOf(
    [table('memberships'), shared('users', { referencedBy: 'memberships.user_id' })],
    {
      exclude: ['plans'],
    },
  )
  const [route] = routeTables(plan, catalog, { ...catalog, database: 'other' }).shared
  if (!route) throw new Error('no route')
  const compared = route.columns.map(({ name }) => name)
  settling = {
    ...{ schema: 'public', table: route.target, key: route.targetKey, columns: compared, compared },
    ...{ inserts: true, updates: false, replicate: true },
  }
})

beforeEach(async () => {
  await database.pool.query('truncate users, memberships, plans; insert into plans values (1)')
})

afterAll(async () => {
  await pool?.end()
  await database?.drop()
})

const user = (id: number, more: { email?: string | null; plan?: string } = {}): Texts => [
  String(id),
  more.email === undefined ? `u${id}` : more.email,
  '{"a":  1}',
  '2026-01-01 00:00:00+00',
  more.plan ?? '1',
]

const settle = (client: Client, rows: readonly Texts[], more: Partial<Settling> = {}) =>
  settleShared(client, { ...settling, ...more }, rows)

async function once(rows: readonly Texts[], more: Partial<Settling> = {}): Promise<SettledRows> {
  await using session = await begin()
  const settled = await settle(session.client, rows, more)
  await session.client.query('commit')
  return settled
}

/** A transaction, as a move has it: foreign keys are off. */
async function begin() {
  const client = await pool.connect()
  await client.query('begin; set local session_replication_role = replica')
  const done = async () => {
    await client.query('rollback')
    client.release()
  }
  return { client, [Symbol.asyncDispose]: done }
}

const nothing = { inserted: 0, updated: 0, missing: [], differing: [], broken: [] }

test('missing rows are inserted, and those that are there are compared by their texts', async () => {
  expect(await once([user(1), user(2)])).toEqual({ ...nothing, inserted: 2 })
  expect(await once([user(1), user(2), user(3)])).toEqual({ ...nothing, inserted: 1 })
  await database.pool.query(`update users set doc = '{"a": 1}', plan_id = null where id = 2`)
  const differing = [{ key: '(2)', columns: ['doc', 'plan_id'] }]
  expect(await once([user(1), user(2)])).toEqual({ ...nothing, differing })
  expect(await once([user(2)], { compared: ['email'] })).toEqual(nothing)
  expect(await differingShared(database.pool, settling, [user(1), user(2), user(9)])).toEqual(
    differing,
  )
  expect(await once([user(2)], { updates: true })).toEqual({ ...nothing, updated: 1, differing })
  expect(await once([user(1), user(2)])).toEqual(nothing)
})

test('rows that may not, or cannot, be inserted are named, and references to nothing, too', async () => {
  expect(await once([user(1)], { inserts: false })).toEqual({ ...nothing, missing: ['(1)'] })
  await once([user(1)])
  expect(await once([user(2, { email: 'u1' })])).toEqual({ ...nothing, missing: ['(2)'] })
  const broken = ['users_plan_id_fkey']
  expect(await once([user(3, { plan: '9' })])).toEqual({ ...nothing, inserted: 1, broken })
})

/** Begins work that waits for the other session, and gives its result when that is over. */
async function waiting<T>(work: Promise<T>, waiters = 1): Promise<{ result: Promise<T> }> {
  const query = `select from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()`
  await eventually(async () => expect((await database.pool.query(query)).rowCount).toBe(waiters))
  return { result: work }
}

test.each(['commit', 'rollback'])(
  'a row that another move inserts is waited for, and there after its %s',
  async (end) => {
    await using one = await begin()
    await using other = await begin()
    await settle(one.client, [user(1), user(2)])
    const { result } = await waiting(settle(other.client, [user(2), user(3)]))
    await one.client.query(end)
    expect(await result).toEqual({ ...nothing, inserted: end === 'commit' ? 1 : 2 })
  },
)

test('a row that is edited meanwhile is compared as it is then', async () => {
  await once([user(1)])
  await using one = await begin()
  await using other = await begin()
  await one.client.query(`update public.users set email = 'other' where id = 1`)
  const { result } = await waiting(settle(other.client, [user(1)]))
  await one.client.query('commit')
  expect(await result).toEqual({ ...nothing, differing: [{ key: '(1)', columns: ['email'] }] })
})

test('a row stays until the rows that refer to it are committed', async () => {
  await once([user(1)])
  await using session = await begin()
  await settle(session.client, [user(1)])
  const { result } = await waiting(
    database.pool.query('delete from users where id = 1').catch((error) => error.code),
  )
  await session.client.query(`insert into public.memberships values ('acme', 1)`)
  await session.client.query('commit')
  expect(await result).toBe('23503')
})

test('a row that is deleted between the insert and the lock is inserted again', async () => {
  await once([user(1)])
  await using one = await begin()
  await using other = await begin()
  await one.client.query('select from public.users where id = 1 for update')
  const { result } = await waiting(settle(other.client, [user(1)]))
  await one.client.query('delete from public.users where id = 1; commit')
  expect(await result).toEqual({ ...nothing, inserted: 1 })
})

test.each([[['email']], [['plan_id']]])(
  'two moves that update %s of the same rows come after each other',
  async (compared) => {
    await database.pool.query(`insert into plans values (2);
      insert into users (id, email, plan_id) overriding system value
        values (1, 'old', 2), (2, 'older', 2)`)
    await using held = await begin()
    await held.client.query('select from public.users where id = 1 for update')
    const work = async () => (await once([user(1), user(2)], { updates: true, compared })).updated
    const one = await waiting(work())
    const other = await waiting(work(), 2)
    await held.client.query('commit')
    const updated = await Promise.all([one.result, other.result])
    expect(updated.sort()).toEqual([0, 2])
  },
)

test('references of a row that was kept are judged as they are there', async () => {
  await database.pool.query(
    `insert into users (id, email) overriding system value values (1, 'u1')`,
  )
  const found = await once([user(1, { plan: '9' })], { compared: ['email'] })
  expect(found).toEqual(nothing)
})
