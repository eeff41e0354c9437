// Guards that stand only while tenants move, beside plans, persons and roles that want otherwise.
import { expect, test } from 'vitest'
import { createRolesWorld } from '../access/roles-world.ts'
import { openAttempts } from '../helpers/attempts.ts'
import { rehome } from '../helpers/command.ts'
import {
  endWindows,
  guarded,
  guardsAt,
  look,
  moveOne,
  passing,
  passingText,
} from '../helpers/fence/passing-guards.ts'
import { writePlanFile } from '../helpers/plans/plan-file.ts'
import { createWorld, installPlans } from '../helpers/world.ts'

test('a plan whose guards stay keeps them, and relies on none that goes', async () => {
  await using world = await createWorld({ plan: passing })
  await using attempts = openAttempts(world)
  await moveOne(world, attempts, 'acme')
  const stays = world.plan({ name: 'stays', guards: 'always' })
  const found = (await world.rehome.check(stays)).map(({ where }) => where)
  expect(found).toContain('source table "notes"')
  await installPlans(world, [stays])
  expect(await world.rehome.check(stays)).toEqual([])
  const kept = await guardsAt(world.source)
  await moveOne(world, attempts, 'beta')
  expect(await guardsAt(world.source)).toEqual(kept)
  await endWindows(world)
  expect(await look(world, attempts)).toEqual([])
  expect(await guardsAt(world.source)).toEqual(kept)
}, 30_000)

test('a guard that is lost under a flag of the tenant is not mended in silence', async () => {
  await using world = await createWorld({ plan: passing })
  await using attempts = openAttempts(world)
  await moveOne(world, attempts, 'acme')
  await world.target.pool.query('drop trigger rehome_insert on notes')
  const { run_id: runId } = await attempts.moveOf('acme')
  await world.rehome.rollback(String(runId), { tenants: ['acme'] })
  const outcome = await attempts.try('acme')
  expect(outcome).toMatchObject({ kind: 'failed', error: { code: 'NOT_INSTALLED' } })
  expect(outcome).toMatchObject({ error: { message: expect.stringContaining('"notes"') } })
})

test('nor is one that another tenant of the plan needs', async () => {
  await using world = await createWorld({ plan: passing })
  await using attempts = openAttempts(world)
  await moveOne(world, attempts, 'acme')
  await world.target.pool.query('drop trigger rehome_insert on notes')
  await world.addTenant('beta', 3)
  await world.rehome.enqueue(world.plan(), { tenants: ['beta'] })
  const outcome = await attempts.try('beta')
  expect(outcome).toMatchObject({ kind: 'failed', error: { code: 'NOT_INSTALLED' } })
}, 20_000)

test("a partition that was made since has its table's trigger, and gets its guard", async () => {
  await using world = await createWorld({ plan: passing })
  await using attempts = openAttempts(world)
  await moveOne(world, attempts, 'acme')
  await world.target.pool.query(`create table visits_2027 partition of visits
    for values from ('2027-01-01') to ('2028-01-01')`)
  const { run_id: runId } = await attempts.moveOf('acme')
  await world.rehome.rollback(String(runId), { tenants: ['acme'] })
  expect(await attempts.try('acme')).toMatchObject({ kind: 'settled', phase: 'rolled_back' })
  expect([...(await guardsAt(world.target)).keys()]).toContain('visits_2027')
}, 20_000)

test('a person keeps the guards for what needs them while no tenant moves', async () => {
  await using world = await createWorld({ plan: passing })
  await using attempts = openAttempts(world)
  await using file = await writePlanFile(`['acme']`, passingText)
  const run = (...args: string[]) => rehome(args, world.environment)
  const on = ['read-only', 'on', '--url-from', 'SOURCE_URL', '--reason', 'we move house']
  expect((await run(...on)).error).toMatch(/--guards/)
  await moveOne(world, attempts, 'acme')
  expect((await run(...on)).error).toMatch(/stand only while tenants move.*init PLAN --guards/)
  expect((await run('init', file.path, '--guards')).out).toMatch(/kept until/)
  expect((await run('init', file.path, '--guards')).out).toMatch(/nothing is pending/)
  await endWindows(world)
  expect(await look(world, attempts)).toEqual([])
  await world.source.pool.query(`create function lose() returns trigger language plpgsql
    as 'begin drop trigger rehome_truncate on public.notes; return null; end';
    create trigger lose after insert on rehome.tenant_flags execute function lose()`)
  for (const _ of ['after the flag', 'before it']) {
    expect((await run(...on)).error).toMatch(/public.notes has no guard/)
    const query = `select from rehome.tenant_flags where tenant_id = '*'`
    expect((await world.source.pool.query(query)).rowCount).toBe(0)
  }
  await world.source.pool.query('drop function lose() cascade')
  expect((await run('init', file.path, '--guards')).out).toMatch(/installing the guard of "notes"/)
  expect(await run(...on)).toMatchObject({ code: 0, error: '' })
  const taken = await run('uninstall', file.path, '--guards')
  expect(taken.out).toMatch(/source .*removed the guards of 0 tables; 1 tenants are fenced/)
  expect(taken.out).toMatch(/target .*removed the guards of 6 tables/)
  expect((await guardsAt(world.source)).size).toBe(guarded.length)
  await run('read-only', 'off', '--url-from', 'SOURCE_URL')
  expect((await run('uninstall', file.path, '--guards')).out).toMatch(/guards of 6 tables/)
  expect((await guardsAt(world.source)).size).toBe(0)
}, 30_000)

test('a role that may not install guards is one finding, and one grant mends it', async () => {
  await using world = await createRolesWorld({ plan: passing })
  await using attempts = openAttempts(world)
  await world.addTenant('acme', 3)
  const [finding, ...others] = (await world.rehome.check(world.plan())).filter(
    ({ where }) => where === 'source role',
  )
  expect(others).toEqual([])
  expect(finding?.message).toMatch(/may not install guards.*`grant .* to .*`.*init PLAN --guards/)
  const owner = world.roleAt('source', 'owner')
  const grant = /`(grant .*?)`/.exec(finding?.message ?? '')?.[1] ?? ''
  expect(grant).toContain(owner.replaceAll('"', '""'))
  await world.source.pool.query(grant)
  const target = grant.replaceAll('source', 'target')
  await world.target.pool.query(target)
  await world.grantReplication()
  expect(await world.rehome.check(world.plan())).toEqual([])
  await world.rehome.enqueue(world.plan(), { tenants: ['acme'] })
  expect(await attempts.try('acme')).toMatchObject({ kind: 'settled', phase: 'moved' })
  const owners = `select distinct pg_get_userbyid(proowner) as owner from pg_proc
    where pronamespace = 'rehome'::regnamespace`
  expect((await world.source.pool.query(owners)).rows).toEqual([{ owner }])
  await endWindows(world)
  expect((await look(world, attempts)).length).toBe(2)
}, 30_000)
