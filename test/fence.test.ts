// The fence: whoever was writing is waited for, whoever comes later is refused, at each isolation
// level; and what a writer commits before the drain ends is in the copy.
import { randomUUID } from 'node:crypto'
import type { PoolClient } from 'pg'
import { describe, expect, test } from 'vitest'
import { drain } from '../src/endpoints/sql/drain.ts'
import { markMoved, readFlag, removeFlag, renewFence } from '../src/endpoints/sql/flags.ts'
import { eventually } from './helpers/eventually.ts'
import { claimTarget, raiseFence } from './helpers/fenced.ts'
import { createWorld, type World } from './helpers/world.ts'

const levels = ['read committed', 'repeatable read', 'serializable'] as const
const signal = new AbortController().signal

function raiseOf(tenant: string, leaseMs = 60_000) {
  const [token, epoch, moveId] = [randomUUID(), randomUUID(), randomUUID()]
  return { scope: 'default', tenant, token, epoch, moveId, reason: 'test', retryAfterS: 7, leaseMs }
}

async function begin(world: World, level: string): Promise<PoolClient> {
  const client = await world.source.pool.connect()
  await client.query(`begin isolation level ${level}`)
  return client
}

const insert = `insert into visits values ('acme', '2026-06-01', 1)`

async function codeOf(work: Promise<unknown>): Promise<string> {
  return await work.then(
    () => 'accepted',
    (error: { code: string }) => error.code,
  )
}

async function fencedWorld(): Promise<World> {
  const world = await createWorld()
  await world.addTenant('acme')
  await world.addTenant('other')
  return world
}

describe.each(levels)('a %s writer', (level) => {
  test('that wrote before the fence is waited for, and its row counts', async () => {
    await using world = await fencedWorld()
    const { pool } = world.source
    const writer = await begin(world, level)
    await writer.query(insert)
    const raise = raiseOf('acme')
    expect(await raiseFence(pool, raise)).toBe(true)
    let drained = false
    const draining = drain(pool, { tenant: 'acme', drainMs: 20_000, signal }).then(() => {
      drained = true
    })
    const waits = `select count(*)::int as n from pg_stat_activity
      where query like '%pg_locks l%' and pid <> pg_backend_pid() and datname = current_database()`
    if (level === 'read committed') {
      await eventually(async () => expect((await pool.query(waits)).rows[0].n).toBeGreaterThan(0))
    }
    expect(drained).toBe(false)
    await writer.query('commit')
    writer.release()
    await draining
    const rows = await pool.query(`select from visits where day = '2026-06-01'`)
    expect(rows.rowCount).toBe(1)
  })

  test('whose snapshot is older than the fence is refused', async () => {
    await using world = await fencedWorld()
    const writer = await begin(world, level)
    await writer.query('select count(*) from visits')
    expect(await raiseFence(world.source.pool, raiseOf('acme'))).toBe(true)
    await drain(world.source.pool, { tenant: 'acme', drainMs: 5_000, signal })
    expect(await codeOf(writer.query(insert))).toBe(level === 'read committed' ? '25006' : '40001')
    await writer.query('rollback')
    writer.release()
  })

  test('of another tenant goes on', async () => {
    await using world = await fencedWorld()
    const writer = await begin(world, level)
    expect(await raiseFence(world.source.pool, raiseOf('acme'))).toBe(true)
    await writer.query(insert.replace('acme', 'other'))
    await writer.query('commit')
    writer.release()
  })

  test('after the lease opens the fence itself, and the mover has lost it', async () => {
    await using world = await fencedWorld()
    const { pool } = world.source
    const raise = raiseOf('acme', 1)
    await raiseFence(pool, raise)
    await eventually(async () => expect((await readFlag(pool, raise))?.lapsed).toBe(true))
    const writer = await begin(world, level)
    await writer.query(insert)
    await writer.query('commit')
    writer.release()
    expect(await readFlag(pool, raise)).toBeNull()
    expect(await markMoved(pool, raise, 'there')).toBeNull()
    expect(await renewFence(pool, raise, 1000)).toBe(false)
  })

  test('who opened a lapsed fence and rolled back has changed nothing', async () => {
    await using world = await fencedWorld()
    const { pool } = world.source
    const raise = raiseOf('acme', 1)
    await raiseFence(pool, raise)
    await eventually(async () => expect((await readFlag(pool, raise))?.lapsed).toBe(true))
    const writer = await begin(world, level)
    await writer.query(insert)
    const cutover = markMoved(pool, raise, 'there')
    await writer.query('rollback')
    writer.release()
    expect(await cutover).toMatchObject({ mode: 'moved' })
    expect(await codeOf(pool.query(insert))).toBe('25006')
  })
})

describe('a fenced tenant', () => {
  const statements: [string, string][] = [
    ['insert', insert],
    ['update', `update notes set body = 'x' where tenant_id = 'acme'`],
    ['delete', `delete from visits where tenant_id = 'acme'`],
    ['a row of a table without the column', `update note_lines set text = 'x' where note_id = 1`],
    ['a direct write to a partition', `delete from visits_2026 where tenant_id = 'acme'`],
    ['a cascade', `delete from notes where id = 2`],
    [
      'moving a row in',
      `update visits set tenant_id = 'acme', day = '2026-07-07'
      where tenant_id = 'other' and day = '2025-12-25'`,
    ],
    [
      'moving a row out',
      `update visits set tenant_id = 'other', day = '2026-07-07'
      where tenant_id = 'acme' and day = '2025-12-25'`,
    ],
    [
      'on conflict do update',
      `insert into visits values ('acme', '2025-12-25', 0)
      on conflict (tenant_id, day) do update set hits = 0`,
    ],
    [
      'merge',
      `merge into visits v using (values ('acme')) t (id) on v.tenant_id = t.id
      when matched then update set hits = 5`,
    ],
    [
      'a common table expression',
      `with d as (delete from visits where tenant_id = 'acme'
      returning 1) select count(*) from d`,
    ],
    ['a statement for all tenants', `update visits set hits = hits + 1`],
    ['truncate', 'truncate visits'],
    ['truncate of a partition', 'truncate visits_2025'],
  ]

  test.each(statements)('refuses %s', async (_, statement) => {
    await using world = await fencedWorld()
    const { pool } = world.source
    await raiseFence(pool, raiseOf('acme'))
    const error = await pool.query(statement).then(
      () => null,
      (e: { code: string; hint: string; detail?: string }) => e,
    )
    expect(error).toMatchObject({ code: '25006', hint: 'rehome:fenced' })
    const replica = await pool.connect()
    await replica.query('set session_replication_role = replica')
    expect(await codeOf(replica.query(statement))).toBe('25006')
    replica.release(true)
  })

  test('tells the application what it needs to know', async () => {
    await using world = await fencedWorld()
    await raiseFence(world.source.pool, raiseOf('acme'))
    const error = await world.source.pool.query(insert).catch((e: { detail: string }) => e)
    expect(JSON.parse((error as { detail: string }).detail)).toEqual({
      scope: 'default',
      tenant: 'acme',
      mode: 'read_only',
      reason: 'test',
      retryAfterS: 7,
      movedTo: null,
      key: null,
    })
  })

  test('waits for a prepared transaction', async () => {
    await using world = await fencedWorld()
    const { pool } = world.source
    const writer = await begin(world, 'read committed')
    await writer.query(insert)
    await writer.query(`prepare transaction 'visit'`)
    writer.release()
    await raiseFence(pool, raiseOf('acme'))
    const short = drain(pool, { tenant: 'acme', drainMs: 100, signal })
    await expect(short).rejects.toThrow(/1 prepared transaction/)
    await pool.query(`commit prepared 'visit'`)
    await drain(pool, { tenant: 'acme', drainMs: 5_000, signal })
  })

  test('forgets a writer that went back to a savepoint', async () => {
    await using world = await fencedWorld()
    const { pool } = world.source
    const writer = await begin(world, 'read committed')
    await writer.query(`savepoint s; ${insert}; rollback to s`)
    await raiseFence(pool, raiseOf('acme'))
    await drain(pool, { tenant: 'acme', drainMs: 5_000, signal })
    expect(await codeOf(writer.query(insert))).toBe('25006')
    writer.release(true)
  })

  test('is not claimed by a move that is not its own', async () => {
    await using world = await fencedWorld()
    const { pool } = world.source
    const first = raiseOf('acme')
    await raiseFence(pool, first)
    expect(await raiseFence(pool, raiseOf('acme'))).toBe(false)
    expect(await claimTarget(pool, { ...raiseOf('acme'), ours: [first.moveId] })).toBe(false)
    expect(await removeFlag(pool, { ...first, token: randomUUID() }, 'read_only')).toBe(false)
    expect(await removeFlag(pool, first, 'read_only')).toBe(true)
    await pool.query(insert)
  })

  test('keeps one bounded set of locks when a statement touches very many tenants', async () => {
    await using world = await fencedWorld()
    const writer = await begin(world, 'read committed')
    await writer.query(`insert into visits select 't' || g, '2026-06-01', 1
      from generate_series(1, 20000) g`)
    const query = `select count(*)::int as n from pg_locks where locktype = 'advisory'
      and pid = pg_backend_pid()`
    expect((await writer.query(query)).rows[0].n).toBeLessThanOrEqual(1024)
    await writer.query('rollback')
    writer.release()
  })
})

test('rows do not slip through while the parent that tells their tenant moves away', async () => {
  await using world = await fencedWorld()
  const { pool } = world.source
  const child = await begin(world, 'read committed')
  await child.query(`insert into note_lines values (1, 77, 'new')`)
  const parent = pool.query(`update notes set tenant_id = 'other' where id = 1`)
  const blocked = `select count(*)::int as n from pg_locks where locktype = 'advisory' and not granted
    and database = (select oid from pg_database where datname = current_database())`
  await eventually(async () => expect((await pool.query(blocked)).rows[0].n).toBe(1))
  await child.query('commit')
  child.release()
  await parent
})
