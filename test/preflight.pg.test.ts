// What is refused before a tenant notices anything, with less than a superuser's rights, and what
// happens when a person calls a move off halfway.
import pg from 'pg'
import { expect, test } from 'vitest'
import { install } from '../src/coordinator/installation.ts'
import { open } from '../src/coordinator/rehome.ts'
import { checkPlan } from '../src/plan/check-plan.ts'
import { discover, table } from '../src/plan/plan.ts'
import { sql } from '../src/plan/sql-text.ts'
import { createRolesWorld } from './access/roles-world.ts'
import { ended, flagsAt, moveOf, rowsAt, runAll, tryWrite } from './helpers/runs.ts'
import { createWorld, type World } from './helpers/world.ts'

async function findings(world: World): Promise<string[]> {
  const found = await world.rehome.check(world.plan())
  return found.map(({ where, message }) => `${where}: ${message}`)
}

test('a plan that fits is free of findings', async () => {
  await using world = await createWorld()
  expect(await findings(world)).toEqual([])
})

test('a partition made after the installation has no guard until init runs again', async () => {
  await using world = await createWorld()
  await world.addTenant('acme')
  await world.source.pool.query(
    `create table visits_2027 partition of visits for values from ('2027-01-01') to ('2028-01-01')`,
  )
  expect(await findings(world)).toEqual([
    'source table "visits_2027": has no guard: run `rehome init`',
  ])
  await expect(world.rehome.enqueue(world.plan())).rejects.toMatchObject({ code: 'NOT_INSTALLED' })
  const { environment } = world
  const settings = { controlUrl: world.control.url, redisUrl: environment.REDIS_URL, environment }
  expect(await install(settings, [checkPlan(world.plan())])).toEqual([
    'the guard of "visits_2027" at the source',
  ])
  expect(await install(settings, [checkPlan(world.plan())])).toEqual([])
})

test('a guard that is switched off or changed is found', async () => {
  await using world = await createWorld()
  await world.source.pool.query('alter table notes enable trigger rehome_update')
  await world.target.pool.query('drop trigger rehome_delete on tenants')
  expect(await findings(world)).toEqual([
    'source table "notes": has no guard: run `rehome init`',
    'target table "tenants": has no guard: run `rehome init`',
  ])
})

test('a tenant column whose equal ids may be written differently is refused', async () => {
  await using world = await createWorld({
    both: `create collation ci (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
      create table odd (id int primary key, tenant_id text collate ci);
      create table amounts (id int primary key, tenant_id numeric)`,
    plan: { tables: [discover()], exclude: ['note_lines', 'tenants'] },
    bare: true,
  })
  const settings = { controlUrl: world.control.url, environment: world.environment }
  await install(settings, [])
  await using rehome = await open({ environment: world.environment })
  const found = await rehome.check(world.plan())
  expect(found.filter(({ where }) => where === 'table "odd"')[0]?.message).toContain('collation')
  expect(found.filter(({ where }) => where === 'table "amounts"')[0]?.message).toContain('numeric')
})

test('an unreachable queue refuses a run before anything is stored', async () => {
  await using world = await createWorld()
  await world.addTenant('acme')
  const environment = { ...world.environment, REDIS_URL: 'redis://127.0.0.1:1' }
  await using rehome = await open({ environment })
  await expect(rehome.enqueue(world.plan())).rejects.toMatchObject({ code: 'UNREACHABLE' })
  expect(await rehome.runs()).toEqual([])
})

test('unknown and hostile tenants are refused and nothing is stored', async () => {
  await using world = await createWorld()
  await world.addTenant('acme')
  const tenants = ['nobody', `'; drop table notes; --`, '🏠'.repeat(1024), 'a\u0000b', '']
  for (const tenant of tenants) {
    const code = /^(TENANT_UNKNOWN|TENANT_ID_INVALID)$/
    const refused = world.rehome.enqueue(world.plan(), { tenants: [tenant] })
    await expect(refused).rejects.toMatchObject({ code: expect.stringMatching(code) })
  }
  expect(await world.rehome.runs()).toEqual([])
})

test('one tenant is in one run at a time', async () => {
  await using world = await createWorld()
  await world.addTenant('acme')
  await world.rehome.enqueue(world.plan())
  await expect(world.rehome.enqueue(world.plan())).rejects.toMatchObject({ code: 'TENANT_BUSY' })
  expect(await world.rehome.runs()).toHaveLength(1)
})

test('a role that owns nothing and may not switch foreign keys off moves a tenant', async () => {
  await using world = await createRolesWorld({ plan: { chunkRows: 10 } })
  await world.addTenant('acme', 30)
  // Children before parents, in the order of keys.
  await world.source.pool.query('update notes set parent_id = id + 1 where id < 30')
  await using _worker = await world.work()
  const runId = await runAll(world)
  const move = await moveOf(world, runId, 'acme')
  expect(move.error_message).toBeNull()
  expect(await rowsAt(world, 'target', 'acme')).toEqual(await rowsAt(world, 'source', 'acme'))
})

test('foreign keys in a circle are named to a role that may not switch them off', async () => {
  const circle = `create table a (id int primary key, tenant_id text, b_id int);
    create table b (id int primary key, tenant_id text, a_id int references a (id));
    alter table a add foreign key (b_id) references b (id);`
  const rows = `insert into a select g, 'acme' from generate_series(1, 5) g;
    insert into b select g, 'acme', g from generate_series(1, 5) g; update a set b_id = 6 - id;`
  const tables = [table('a'), table('b')]
  const plan = { tables, tenants: ['acme'], exclude: ['tenants', 'notes', 'visits'] }
  await using world = await createRolesWorld({ both: circle, source: rows, plan })
  const [finding] = await world.rehome.check(world.plan())
  expect(finding?.where).toBe('target "a" → "b"')
  expect(finding?.message).toContain('circle')
  await world.grantReplication()
  expect(await world.rehome.check(world.plan())).toEqual([])
  await using _worker = await world.work()
  expect((await moveOf(world, await runAll(world), 'acme')).error_message).toBeNull()
  expect((await world.target.pool.query('select from b')).rowCount).toBe(5)
})

test('a missing privilege is reported by name', async () => {
  await using world = await createRolesWorld()
  const mover = pg.escapeIdentifier(world.roleAt('target', 'mover'))
  await world.target.pool.query(`revoke insert on notes from ${mover}`)
  expect(await world.rehome.check(world.plan())).toEqual([
    { where: 'target table "notes"', message: 'our role has no INSERT privilege' },
  ])
})

test('row security that would hide rows is refused, be it from us or from the guards', async () => {
  await using world = await createRolesWorld()
  const { pool } = world.source
  const [mover, owner] = (['mover', 'owner'] as const).map((role) =>
    pg.escapeIdentifier(world.roleAt('source', role)),
  )
  const hidden = {
    where: 'source table "notes"',
    message: "row security would hide rows from our role or the guards' owner: BYPASSRLS them",
  }
  await pool.query('alter table notes enable row level security')
  expect(await world.rehome.check(world.plan())).toEqual([hidden])
  // The types of the plan's expressions are known without a look at rows.
  const compute = { body: sql`upper(r.body)` }
  const tables = world
    .plan()
    .tables.map((one) =>
      one.kind === 'table' && one.name === 'notes' ? table('notes', { columns: { compute } }) : one,
    )
  expect(await world.rehome.check(world.plan({ tables }))).toEqual([hidden])
  await pool.query(`alter role ${mover} bypassrls`)
  expect(await world.rehome.check(world.plan())).toEqual([])
  // From now on the guard of note_lines, which is the owner's, would not find a line's tenant.
  await pool.query('alter table notes force row level security')
  expect(await world.rehome.check(world.plan())).toEqual([hidden])
  await pool.query(`alter role ${owner} bypassrls`)
  expect(await world.rehome.check(world.plan())).toEqual([])
})

test('a pause over its budget gives the writes back', async () => {
  await using world = await createWorld({
    plan: { chunkRows: 5, pause: { budgetMs: 300 }, fence: { leaseMs: 1000 }, attempts: 1 },
  })
  await world.addTenant('acme', 3000)
  await using _worker = await world.work()
  const move = await moveOf(world, await runAll(world), 'acme')
  expect(move).toMatchObject({ phase: 'failed', error_code: 'PAUSE_OVER_BUDGET' })
  expect(await tryWrite(world, 'source', 'acme')).toBe('accepted')
})

test('a move that is called off while copying leaves nothing behind', async () => {
  await using world = await createWorld({ plan: { chunkRows: 20, concurrency: 1 } })
  await world.addTenant('acme', 800)
  await using _worker = await world.work()
  const { runId } = await world.rehome.enqueue(world.plan())
  for await (const { moves } of world.rehome.watch(runId ?? '', { everyMs: 5 })) {
    if (Number(moves[0]?.rows_copied) > 50) break
  }
  await world.rehome.rollback(runId ?? '', { tenants: ['acme'] })
  expect((await ended(world, runId)).get('acme')).toMatchObject({ phase: 'rolled_back' })
  expect(await rowsAt(world, 'target', 'acme')).toEqual([])
  expect([...(await flagsAt(world, 'source')), ...(await flagsAt(world, 'target'))]).toEqual([])
  expect(await tryWrite(world, 'source', 'acme')).toBe('accepted')
  const again = await runAll(world)
  expect((await moveOf(world, again, 'acme')).phase).toBe('moved')
})

test('a schema that changes during the move is seen before the cutover', async () => {
  await using world = await createWorld({ plan: { chunkRows: 20, attempts: 1 } })
  await world.addTenant('acme', 800)
  await using _worker = await world.work()
  const { runId } = await world.rehome.enqueue(world.plan())
  for await (const { moves } of world.rehome.watch(runId ?? '', { everyMs: 5 })) {
    if (Number(moves[0]?.rows_copied) > 50) break
  }
  await world.source.pool.query('create table extra (tenant_id text)')
  const move = (await ended(world, runId)).get('acme')
  expect(move).toMatchObject({ phase: 'failed', error_code: 'SCHEMA_CHANGED' })
})
