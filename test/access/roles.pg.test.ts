// A whole life of a tenant with each part under the role that examples/roles/*.sql gives it, and
// what an application can not do against its fence.
import { spawnSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import pg from 'pg'
import { expect, test } from 'vitest'
import { closeControl, openControl } from '../../src/control/database.ts'
import { forgetEvents } from '../../src/control/fleet/retention.ts'
import { insertRun } from '../../src/control/runs/runs.ts'
import { describeOnOneBackend } from '../helpers/backends.ts'
import { raiseFence } from '../helpers/fenced.ts'
import { run } from '../helpers/moves/control-with.ts'
import { noPoison } from '../helpers/moves/no-poison.ts'
import { ended, moveOf, rowsAt, runAll } from '../helpers/runs.ts'
import { createRolesWorld, type End, grantFiles, type RolesWorld } from './roles-world.ts'

const write = `insert into visits values ($1, '2026-06-01', 1)
  on conflict (tenant_id, day) do update set hits = visits.hits + 1`

/** A write of the application under its own role: `accepted`, or how it was refused. */
async function tryWrite(world: RolesWorld, end: End, tenant: string): Promise<string> {
  const answer = world.poolAt(end, 'application').query(write, [tenant])
  return await answer.then(() => 'accepted', reasonOf)
}

function reasonOf(error: { code: string; hint?: string; message: string }): string {
  return [error.code, error.hint ?? error.message].join(' ')
}

async function expectHome(world: RolesWorld, tenant: string, home: End): Promise<void> {
  const away = home === 'source' ? 'target' : 'source'
  expect(await tryWrite(world, home, tenant)).toBe('accepted')
  expect(await tryWrite(world, away, tenant)).toBe('25006 rehome:fenced')
}

const fence = (tenant: string) => ({
  ...{ scope: 'default', tenant, token: randomUUID(), epoch: randomUUID(), moveId: randomUUID() },
  ...{ reason: 'test', retryAfterS: 1, leaseMs: 600_000 },
})

describeOnOneBackend('with each part under its own role', (backend) => {
  test('a tenant fails, is tried again, moves, comes back, and is cleaned up', async () => {
    await using world = await createRolesWorld({
      backend,
      target: noPoison,
      plan: { chunkRows: 4 },
    })
    await world.addTenant('acme')
    await world.addTenant('bystander')
    const before = await rowsAt(world, 'source', 'bystander')
    await using _worker = await world.work()
    const application = world.poolAt('source', 'application')
    await application.query(`insert into notes (tenant_id, body) values ('acme', 'poison')`)

    const runId = await runAll(world, ['acme'])
    expect(await moveOf(world, runId, 'acme')).toMatchObject({ error_code: 'ROW_REJECTED' })
    expect(await tryWrite(world, 'source', 'acme')).toBe('accepted')
    await application.query(`delete from notes where body like 'poison%'`)
    await world.rehome.retry(runId)
    expect((await ended(world, runId)).get('acme')).toMatchObject({ phase: 'moved' })
    await expectHome(world, 'acme', 'target')

    const refused = { phase: 'moved', error_code: 'WRITES_WOULD_BE_LOST' }
    await world.rehome.rollback(runId, { tenants: ['acme'] })
    expect((await ended(world, runId)).get('acme')).toMatchObject(refused)
    await world.rehome.rollback(runId, { tenants: ['acme'], discardWrites: true })
    expect((await ended(world, runId)).get('acme')).toMatchObject({ phase: 'rolled_back' })
    await expectHome(world, 'acme', 'source')
    await world.rehome.cleanup(runId, { tenants: ['acme'] })
    expect((await ended(world, runId)).get('acme')).toMatchObject({ phase: 'cleaned' })
    expect(await rowsAt(world, 'target', 'acme')).toEqual([])

    const again = await runAll(world, ['acme'])
    expect(await rowsAt(world, 'target', 'acme')).toEqual(await rowsAt(world, 'source', 'acme'))
    await world.rehome.cleanup(again, { tenants: ['acme'] })
    expect((await ended(world, again)).get('acme')).toMatchObject({ phase: 'cleaned' })
    expect(await rowsAt(world, 'source', 'acme')).toEqual([])
    await expectHome(world, 'acme', 'target')
    expect(await rowsAt(world, 'source', 'bystander')).toEqual(before)
  })
})

test('the control role sets a retention, removes events by it, and pauses queues', async () => {
  await using world = await createRolesWorld()
  const control = openControl(world.environment.CONTROL_URL ?? '')
  await insertRun(control, run, {
    moves: [{ id: randomUUID(), tenant: 'acme' }],
    errand: 'move',
    targetScope: 'default',
  })
  await world.control.pool.query(`update rehome_control.moves set open = false`)
  await world.control.pool.query(`insert into rehome_control.events (move_id, attempt, kind, message)
    select id, 1, 'phase', 'copy' from rehome_control.moves`)
  await world.rehome.recordPause(['moves'], 'Ann')
  expect(await world.rehome.keepEvents(0)).toEqual(['run'])
  expect(await forgetEvents(control)).toEqual({ events: 1, more: false })
  await closeControl(control)
})

test('no role but the owner owns anything, and none is a superuser or another one', async () => {
  await using world = await createRolesWorld()
  for (const place of ['source', 'target', 'control'] as const) {
    const { owner, schema, DBNAME, ...others } = world.variablesAt(place)
    const query = `select rolname, rolsuper or rolcreaterole or rolcreatedb or rolreplication
        or rolbypassrls as special,
      (select count(*)::int from pg_class c where c.relowner = r.oid and relkind <> 'S') +
        (select count(*)::int from pg_proc p where p.proowner = r.oid) as owned,
      (select count(*)::int from pg_auth_members m where r.oid in (m.member, m.roleid)) as related
      from pg_roles r where rolname = any ($1) order by 1`
    const { rows } = await world[place].pool.query(query, [Object.values(others)])
    const nothing = { special: false, owned: 0, related: 0 }
    const names = Object.values(others).sort()
    expect(rows).toEqual(names.map((rolname) => ({ rolname, ...nothing })))
  }
})

test('an application has no way around its fence', async () => {
  await using world = await createRolesWorld()
  await world.addTenant('acme')
  await world.addTenant('other')
  const mover = world.poolAt('source', 'mover')
  const raise = fence('acme')
  expect(await raiseFence(mover, raise)).toBe(true)
  // A drain does so where each look finds a writer.
  await mover.query('select rehome.exclude_anyones()')
  const application = world.poolAt('source', 'application')
  const pid: number = (await mover.query('select pg_backend_pid() as pid')).rows[0].pid
  const moverName = pg.escapeIdentifier(world.roleAt('source', 'mover'))
  const denied = [
    'select * from rehome.tenant_flags',
    'copy (select token from rehome.tenant_flags) to stdout',
    'update rehome.tenant_flags set token = gen_random_uuid()',
    'delete from rehome.tenant_flags',
    'do $$ begin lock table rehome.tenant_flags; end $$',
    'update rehome.buckets set epoch = 0',
    'select * from rehome.copy_progress',
    `select rehome.bucket_of('acme')`,
    `select rehome.check_tenants('default', array['acme'])`,
    `select rehome.exclude_writers(array['acme'])`,
    'select rehome.exclude_anyones()',
    'alter table notes disable trigger rehome_update',
    'alter table notes disable trigger all',
    'drop trigger rehome_update on notes',
    'alter table notes rename to anything',
    'create trigger mine after insert on notes execute function rehome.refuse_truncate()',
    'truncate notes cascade',
    'truncate visits_2026',
    'set session_replication_role = replica',
    'create schema mine',
    'create table rehome.mine ()',
    'drop schema rehome cascade',
    `set role ${moverName}`,
    `set session authorization ${moverName}`,
    `alter role ${moverName} password 'mine'`,
    `select pg_terminate_backend(${pid})`,
    `select pg_cancel_backend(${pid})`,
    `create cast (uuid as text) without function`,
  ]
  const answers = await Promise.all(
    denied.map((query) => application.query(query).then(() => 'accepted', reasonOf)),
  )
  const unlike = denied.filter((_, i) => !/^42501 /.test(answers[i] ?? ''))
  expect(unlike).toEqual([])
  expect(await tryWrite(world, 'source', 'acme')).toBe('25006 rehome:fenced')
  expect(await tryWrite(world, 'source', 'other')).toBe('accepted')
  const seen = `select query from pg_stat_activity where pid = ${pid}`
  expect((await application.query(seen)).rows).toEqual([{ query: '<insufficient privilege>' }])
  expect(
    (
      await mover.query(`select pg_terminate_backend(pid) from pg_stat_activity
    where usename = current_user and pid <> pg_backend_pid()`)
    ).rowCount,
  ).toBe(0)
})

const noPsql = spawnSync('psql', ['--version']).status !== 0

test.skipIf(noPsql)('psql takes the files as they stand, and takes them twice', async () => {
  await using world = await createRolesWorld({ backend: { name: 'postgres' } })
  for (const place of ['source', 'target', 'control'] as const) {
    const { DBNAME, ...names } = world.variablesAt(place)
    const variables = Object.entries(names).flatMap(([name, value]) => ['-v', `${name}=${value}`])
    const files = ['owner', ...grantFiles(place, { redis: false })]
    const scripts = files.flatMap((file) => ['-f', `examples/roles/${file}.sql`])
    const url = world[place].url
    const args = [url, '-X', '-q', '-v', 'ON_ERROR_STOP=1', ...variables, ...scripts]
    const { status, stdout, stderr } = spawnSync('psql', args, { encoding: 'utf8' })
    expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: '', stderr: '' })
  }
})
