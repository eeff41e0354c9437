// Many schemas: `check` and `init` look closely at one of each kind, moves at their own. What is
// missing, or unlike the others, is named.
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { expect, test } from 'vitest'
import type { RemoteCall } from '../../src/calls.ts'
import { discover, type PlanInput } from '../../src/plan/plan.ts'
import { sql } from '../../src/plan/sql-text.ts'
import { createShapesWorld, schemaOf, tryWriteAs } from '../helpers/schemas/shapes.ts'

const shapes = { source: 'schema', target: 'schema' } as const
const tenants = Array.from({ length: 8 }, (_, i) => `t${i}`)
const listed: Partial<PlanInput> = {
  tenants: sql`select substr(nspname, 8) from pg_namespace where nspname like 'tenant\\_%'`,
  tables: [discover()],
}

/** Texts of the calls that the work makes. */
async function callsOf(work: () => Promise<unknown>): Promise<string[]> {
  const texts: string[] = []
  const hear = (message: unknown) => {
    const { moment, text } = message as RemoteCall
    if (moment === 'before') texts.push(text)
  }
  subscribe('rehome:call', hear)
  await work().finally(() => unsubscribe('rehome:call', hear))
  return texts
}

test('schemas that are alike are looked at once, and one that is not is named', async () => {
  await using world = await createShapesWorld({ shapes, tenants, plan: listed })
  const plan = world.plan()
  expect(await world.rehome.check(plan)).toEqual([])
  const calls = await callsOf(() => world.rehome.check(plan))
  const few = await callsOf(() => world.rehome.check({ ...plan, tenants: tenants.slice(0, 2) }))
  // The plan's query is a transaction of three calls, and no tenant has a call of its own.
  expect(calls.length).toBeLessThanOrEqual(few.length + 3)
  expect(await world.init()).toEqual([])

  await world.source.pool.query(`alter table tenant_t3.orders add column fee int;
    drop trigger rehome_update on tenant_t5.visits_2025`)
  expect(await world.rehome.check(plan)).toEqual([
    {
      where: 'table "orders" of tenant "t3"',
      message: expect.stringMatching(/^target "orders" has no column "fee"/),
    },
    {
      where: 'source table "visits_2025" of tenant "t5"',
      message: 'has no guard: run `rehome init`',
    },
  ])
  const only = (tenant: string) => world.rehome.enqueue(plan, { tenants: [tenant], dryRun: true })
  await expect(only('t3')).rejects.toMatchObject({ code: 'PREFLIGHT_FAILED' })
  await expect(only('t5')).rejects.toMatchObject({ code: 'NOT_INSTALLED' })
  expect(await only('t7')).toMatchObject({ tenants: ['t7'] })
  expect(await world.init()).toEqual(['the guard of "tenant_t5"."visits_2025" at the source'])
  await world.move('t7')
})

test('one survey of each end does for all schemas of a kind, however many tenants there are', async () => {
  await using world = await createShapesWorld({
    shapes,
    tenants,
    plan: { ...listed, strategy: 'online' },
  })
  const [few, others] = [tenants.slice(0, 2), tenants.slice(2)]
  for (const { pool } of [world.source, world.target]) {
    for (const tenant of tenants) {
      await pool.query(`create table tenant_${tenant}.notes (id int primary key, words text)`)
    }
  }
  const surveysOf = async (work: () => Promise<unknown>) =>
    (await callsOf(work)).filter((text) => text.includes('as "schemaExists"')).length
  const expectSame = async (work: (some: readonly string[]) => Promise<unknown>) => {
    const ofFew = await surveysOf(() => work(few))
    expect(ofFew).toBeGreaterThan(0)
    expect(await surveysOf(() => work(others))).toBe(ofFew)
  }
  await expectSame(async (some) => {
    const guards = some.flatMap((tenant) => `the guard of "tenant_${tenant}"."notes" at the `)
    expect((await world.init({ tenants: some })).toSorted()).toEqual(
      guards.flatMap((guard) => [`${guard}source`, `${guard}target`]),
    )
  })
  const plan = world.plan()
  await expectSame((some) => world.rehome.checkTenants({ ...plan, tenants: some }))
  await expectSame((some) => {
    return world.rehome.enqueue({ ...plan, tenants: some }, { where: 'rows > 0', dryRun: true })
  })
  const texts = await callsOf(() => world.rehome.review(plan))
  expect(texts.filter((text) => text.includes('as print'))).toHaveLength(2)

  expect(await world.rehome.check(plan)).toEqual([])
  expect(await world.init()).toEqual([])
  await world.move('t7')
  const written = world.source.pool.query(`insert into tenant_t7.notes values (1)`)
  await expect(written).rejects.toMatchObject({ code: '25006' })
  await world.source.pool.query(`insert into tenant_t6.notes values (1)`)
})

test('a tenant whose schema is missing is not moved, and a table that is not planned is named', async () => {
  await using world = await createShapesWorld({ shapes, tenants: tenants.slice(0, 3) })
  await world.target.pool.query(`drop schema tenant_t1 cascade; drop schema tenant_t2 cascade`)
  await world.source.pool.query(`create table tenant_t0.added (id int primary key)`)
  expect(await world.rehome.check(world.plan())).toEqual([
    {
      where: 'table "added" of tenant "t0"',
      message: expect.stringMatching(/^is in the tenant's schema and is not planned/),
    },
    {
      where: 'target',
      message:
        'there is no schema or database for tenant "t1" and 1 more: create it with its tables, then run `rehome init`; or say `prepare`',
    },
  ])
  const only = (tenant: string) => world.rehome.enqueue(world.plan(), { tenants: [tenant] })
  await expect(only('t1')).rejects.toMatchObject({ code: 'PREFLIGHT_FAILED' })
  await world.source.pool.query(`drop schema tenant_t2 cascade`)
  await expect(only('t2')).rejects.toMatchObject({ code: 'TENANT_UNKNOWN' })
  expect(await world.rehome.check({ ...world.plan(), tenants: [] })).toEqual([
    { where: 'plan field `tenants`', message: expect.stringMatching(/^lists no tenant/) },
  ])
  await expect(only('t9')).rejects.toMatchObject({ code: 'TENANT_UNKNOWN' })
})

test('a table that appears in the schema while its tenant moves ends the move', async () => {
  const run = { pool: null as null | { query(text: string): Promise<unknown> } }
  const drained = async () => {
    await run.pool?.query('create table if not exists tenant_t0.late (id int)')
  }
  await using world = await createShapesWorld({
    shapes,
    tenants: ['t0'],
    plan: { fence: { leaseMs: 3_000, drainMs: 2_000, drained } },
  })
  run.pool = world.source.pool
  const ask = () => world.rehome.enqueue(world.plan(), { tenants: ['t0'] })
  expect(await world.carry('t0', ask)).toMatchObject({
    phase: 'failed',
    error_code: 'SCHEMA_CHANGED',
  })
  expect(await tryWriteAs(world.source, 'schema', 't0')).toBe('accepted')
  expect(schemaOf('t0')).toBe('tenant_t0')
})

test("a fenced tenant's neighbours write, and truncate their tables; it does neither", async () => {
  await using world = await createShapesWorld({ shapes, tenants: tenants.slice(0, 2) })
  await world.move('t0')
  const { pool } = world.source
  const tried = (text: string) =>
    pool.query(text).then(
      () => 'accepted',
      (error: { code: string }) => error.code,
    )
  const statements = [
    `truncate tenant_$.order_lines`,
    `insert into tenant_$.visits values (1, '2026-02-02', 1)`,
    `insert into tenant_$.visits_2026 values (2, '2026-02-02', 1)`,
    `update tenant_$.customers set name = 'x' where false`,
    `delete from tenant_$.orders`,
    `begin isolation level repeatable read; update tenant_$.customers set name = 'y'; commit`,
    `create table tenant_$.visits_2027 partition of tenant_$.visits
      for values from ('2027-01-01') to ('2028-01-01')`,
    `insert into tenant_$.visits values (1, '2027-02-02', 1)`,
    `copy tenant_$.customers from program 'true'`,
  ]
  const answers = async (tenant: string) => {
    const all: string[] = []
    for (const text of statements) {
      all.push(await tried(text.replaceAll('$', tenant)))
      await pool.query('rollback').catch(() => {})
    }
    return all
  }
  const refused = '25006'
  expect(await answers('t1')).toEqual(statements.map(() => 'accepted'))
  expect(await answers('t0')).toEqual([
    ...[refused, refused, refused, refused, refused, refused],
    ...['accepted', refused, refused],
  ])
})
