// Rows that refer to a parent which is not there, by a reference without a foreign key: nothing
// says whose they are, and they may be of a tenant that is closed here.
import { randomUUID } from 'node:crypto'
import type pg from 'pg'
import { describe, expect, test } from 'vitest'
import { postgres } from '../../../src/plan/endpoint.ts'
import { definePlan, table } from '../../../src/plan/plan.ts'
import { createDatabase } from '../../helpers/database.ts'
import { installFence } from '../../helpers/fence/install.ts'
import { codeOf } from '../../helpers/fence/writer.ts'

const planWith = (nobody: { nobody?: 'stay' }) =>
  definePlan({
    name: 'loose',
    source: postgres({ urlFrom: 'SOURCE_URL' }),
    target: postgres({ urlFrom: 'TARGET_URL' }),
    tenants: ['acme'],
    strategy: 'online',
    tables: [table('notes'), table('lines', { through: { note: 'notes.id' }, ...nobody })],
  })

const strict = planWith({})
const lenient = planWith({ nobody: 'stay' })

async function createNotes(plan = strict) {
  const database = await createDatabase()
  await database.pool.query(`
    create table notes (id int8 primary key, tenant_id text not null);
    create table "lines" (id int8 primary key, note int8, body int8);
    create index on "lines" (note);
    insert into notes values (1, 'acme'), (2, 'beta')`)
  await installFence(database.url, { plan })
  return database
}

async function close(pool: pg.Pool, mode: 'moved' | 'receiving' | 'read_only' | 'capturing') {
  const leased = mode === 'read_only' || mode === 'capturing'
  await pool.query(
    `insert into rehome.tenant_flags (scope, tenant_id, mode, token, epoch, move_id, reason,
      retry_after_s, expires_at, moved_to) values ('default', 'acme', $1, $2, $2, $2, 'test', 1, $3, $4)`,
    [
      mode,
      randomUUID(),
      leased ? new Date(Date.now() + 60_000) : null,
      mode === 'moved' ? 'there' : null,
    ],
  )
}

const insert = `insert into "lines" values (1, 99)`

describe.each(['moved', 'receiving', 'read_only'] as const)('while a tenant is %s', (mode) => {
  test('a row without its parent is refused at commit, and one whose parent follows is not', async () => {
    await using db = await createNotes()
    await close(db.pool, mode)
    expect(await codeOf(db.pool.query(insert))).toBe('23503')
    const update = `insert into "lines" values (1, 2); update "lines" set note = 99`
    expect(await codeOf(db.pool.query(update))).toBe('23503')
    const both = `begin; ${insert}; insert into notes values (99, 'beta'); commit`
    expect(await codeOf(db.pool.query(both))).toBe('accepted')
    const gone = `begin; insert into "lines" values (2, 98); delete from "lines" where id = 2; commit`
    expect(await codeOf(db.pool.query(gone))).toBe('accepted')
    expect((await db.pool.query('select from rehome.loose_rows')).rowCount).toBe(0)
  })
})

test.each(['none', 'capturing'] as const)(
  'a row without its parent is accepted while no tenant is closed: %s',
  async (mode) => {
    await using db = await createNotes()
    if (mode !== 'none') await close(db.pool, mode)
    expect(await codeOf(db.pool.query(insert))).toBe('accepted')
  },
)

test('a row without its parent is accepted where the plan leaves such rows', async () => {
  await using db = await createNotes(lenient)
  await close(db.pool, 'moved')
  expect(await codeOf(db.pool.query(insert))).toBe('accepted')
})

test('a row with a parent of a closed tenant is refused, and one without reference is not', async () => {
  await using db = await createNotes()
  await close(db.pool, 'moved')
  expect(await codeOf(db.pool.query(`insert into "lines" values (1, 1)`))).toBe('25006')
  expect(await codeOf(db.pool.query(`insert into "lines" values (1, null)`))).toBe('accepted')
})

test('a row is logged for a captured tenant whose parent comes in another transaction', async () => {
  await using db = await createNotes()
  await close(db.pool, 'capturing')
  const writer = await db.pool.connect()
  await writer.query(`begin; ${insert}`)
  await db.pool.query(`insert into notes values (99, 'acme')`)
  await writer.query('commit')
  writer.release()
  const logs = await db.pool.query<{ name: string }>(
    `select c.oid::regclass::text as name from pg_class c
      where c.relnamespace = 'rehome_log'::regnamespace and obj_description(c.oid) like '%lines'`,
  )
  const { rows } = await db.pool.query(`select rehome_tenant, id from ${logs.rows[0]?.name}`)
  expect(rows).toEqual([{ rehome_tenant: 'acme', id: '1' }])
})

describe.each([
  ['strict', strict],
  ['lenient', lenient],
] as const)('with a plan that is %s about rows without a tenant', (_, plan) => {
  test('a row whose parent came by a move before its writer commits is refused then', async () => {
    await using db = await createNotes(plan)
    await close(db.pool, 'receiving')
    const writer = await db.pool.connect()
    await writer.query(`begin; ${insert}`)
    await asMover(db.pool, `insert into notes values (99, 'acme')`)
    expect(await codeOf(writer.query('commit'))).toBe('25006')
    writer.release()
  })
})

test('a row that was loose before may be updated, and not made to refer to another missing row', async () => {
  await using db = await createNotes()
  await db.pool.query(`${insert}; insert into "lines" values (2, 99)`)
  await close(db.pool, 'moved')
  expect(await codeOf(db.pool.query('update "lines" set body = id where id = 1'))).toBe('accepted')
  expect(await codeOf(db.pool.query('update "lines" set note = 98 where id = 1'))).toBe('23503')
  expect(await codeOf(db.pool.query('insert into "lines" values (3, 99)'))).toBe('23503')
})

test('a move may write no row that its own plan gives to no tenant', async () => {
  await using db = await createNotes()
  await close(db.pool, 'receiving')
  const written = (row: string) => codeOf(asMover(db.pool, `insert into "lines" values ${row}`))
  expect(await written('(1, 99)')).toBe('23514')
  expect(await written('(1, null)')).toBe('23514')
  expect(await written(`(1, 50); insert into notes values (50, 'acme')`)).toBe('accepted')
})

/** In one transaction of the move that has closed the tenant here. */
async function asMover(pool: pg.Pool, statements: string): Promise<void> {
  await pool.query(`begin; select set_config('rehome.token', token::text, true)
    from rehome.tenant_flags; ${statements}; commit`)
}
