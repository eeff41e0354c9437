// Where an online move could go wrong unnoticed: names, old snapshots, captures that were lost.
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { expect, test } from 'vitest'
import type { RemoteCall } from '../../src/calls.ts'
import { install } from '../../src/coordinator/installation.ts'
import { checkPlan } from '../../src/plan/check-plan.ts'
import { table } from '../../src/plan/plan.ts'
import { createWriter } from '../helpers/moments/writes-between.ts'
import { ended, flagsAt, rowsAt } from '../helpers/runs.ts'
import { createWorld, type World } from '../helpers/world.ts'

const plan = { strategy: 'online', pause: { budgetMs: 20_000 } } as const

/** Calls `then` once, when the call that is looked for has been, or is about to be, made. */
async function moveAnd(
  world: World,
  when: (call: RemoteCall) => boolean,
  then: () => void,
): Promise<Awaited<ReturnType<typeof ended>>> {
  let done = false
  const hear = (message: unknown) => {
    if (done || !when(message as RemoteCall)) return
    done = true
    then()
  }
  subscribe('rehome:call', hear)
  const { runId } = await world.rehome.enqueue(world.plan(), { tenants: ['acme'] })
  const moves = await ended(world, runId)
  unsubscribe('rehome:call', hear)
  expect(done).toBe(true)
  return moves
}

const copied = ({ phase, to, moment, text }: RemoteCall) =>
  phase === 'copy' && to === 'source' && moment === 'after' && text.includes('pg_export_snapshot')

test('columns may be called what the guards call theirs', async () => {
  const names = ['captured', 'changed', 'touched', 'again', 'low', 'high', 'found', 'tg_op']
  const columns = names.map((name) => `${name} int not null default 1`).join(', ')
  const key = ['tenant_id', ...names].join(', ')
  const both = `create table odd (tenant_id text, ${columns}, note text, primary key (${key}))`
  const tables = [
    table('tenants', { tenant: 'id' }),
    table('notes'),
    table('note_lines', { through: 'note_id' }),
    table('visits'),
    table('odd', {}),
  ]
  await using world = await createWorld({ plan: { ...plan, tables }, both })
  await world.addTenant('acme')
  const write = createWriter(world.source.url)
  const seed = `insert into odd (tenant_id, low) select 'acme', g from generate_series(1, 5) g`
  expect(write([seed])).toBe('accepted')
  await using _ = await world.work()
  let said = ''
  const moves = await moveAnd(world, copied, () => {
    said = write([
      `update odd set captured = 2 where low = 1`,
      `update odd set note = 'changed' where low = 2`,
      'delete from odd where low = 3',
      `insert into odd (tenant_id, low) values ('acme', 9)`,
    ])
  })
  expect(said).toBe('accepted')
  expect(moves.get('acme')).toMatchObject({ phase: 'moved' })
  const rows = 'select o::text as row from odd o order by 1'
  expect((await world.target.pool.query(rows)).rows).toEqual(
    (await world.source.pool.query(rows)).rows,
  )
})

test('a capture that ended just before the fence makes the move start over', async () => {
  await using world = await createWorld({ plan })
  await world.addTenant('acme')
  const write = createWriter(world.source.url)
  await using _ = await world.work()
  const fencing = ({ phase, to, moment }: RemoteCall) =>
    phase === 'fence' && to === 'source flags' && moment === 'before'
  const moves = await moveAnd(world, fencing, () => {
    // As the reaper does when the lease has lapsed.
    const statements = [
      'delete from rehome.tenant_flags',
      `insert into notes (tenant_id, body) values ('acme', 'not logged')`,
    ]
    expect(write(statements)).toBe('accepted')
  })
  expect(moves.get('acme')).toMatchObject({ phase: 'moved', attempt: 2 })
  const rows = await rowsAt(world, 'source', 'acme')
  expect(rows.join()).toContain('not logged')
  expect(await rowsAt(world, 'target', 'acme')).toEqual(rows)
})

test('a snapshot that is older than the last renewal does not end a capture', async () => {
  await using world = await createWorld({ plan })
  await world.addTenant('acme')
  await world.source.pool.query(`insert into rehome.tenant_flags
    (scope, tenant_id, mode, token, epoch, move_id, reason, retry_after_s, expires_at)
    values ('default', 'acme', 'capturing', gen_random_uuid(), gen_random_uuid(),
      gen_random_uuid(), 'a test', 1, clock_timestamp() + interval '200 ms')`)
  const writer = await world.source.pool.connect()
  await writer.query('begin isolation level repeatable read')
  await writer.query('select count(*) from notes')
  await world.source.pool.query(
    `update rehome.tenant_flags set expires_at = clock_timestamp() + interval '1 hour'`,
  )
  await writer.query('select pg_sleep(0.3)')
  await writer.query(`update notes set body = 'late' where tenant_id = 'acme'`)
  await writer.query('commit')
  writer.release()
  expect(await flagsAt(world, 'source')).toEqual([['acme', 'capturing']])
})

test('a key that may be null, and an expression that reads other rows, are refused', async () => {
  const both = `create table codes (tenant_id text not null, code text, unique (tenant_id, code));
    create table papers (tenant_id text not null, id int primary key, paper json)`
  const tables = [
    table('tenants', {
      tenant: 'id',
      columns: { compute: { name: { sql: '(select max(body) from notes)' } } },
    }),
    table('notes'),
    table('note_lines', { through: 'note_id' }),
    table('visits'),
    table('codes', { key: ['tenant_id', 'code'] }),
    table('papers', { transform: (row) => row }),
  ]
  await using world = await createWorld({ plan: { ...plan, tables }, both })
  const findings = (await world.rehome.check(world.plan())).map(({ message }) => message)
  expect(findings).toContain('an online move finds rows by "code", which may be null')
  expect(findings.join()).toContain('column "paper" of type json')
  expect(findings).toContain('online, `columns.compute` of "name" may read nothing but its row')
})

test('rows that come to a tenant are followed, whatever their keys are made of', async () => {
  const both = `create table labels (id int primary key, tenant_id text);
    create table files (id int primary key, note_id bigint references notes (id));`
  const tables = [
    table('tenants', { tenant: 'id' }),
    table('notes'),
    table('note_lines', { through: 'note_id' }),
    table('visits'),
    table('labels', { nobody: 'stay' }),
    table('files', { through: 'note_id', nobody: 'stay' }),
  ]
  await using world = await createWorld({ plan: { ...plan, tables }, both })
  await world.addTenant('acme', 4)
  await world.addTenant('beta', 4)
  await world.source.pool.query(`insert into labels values (1, 'acme'), (2, 'beta'), (3, null);
    insert into files values (1, 1), (2, 6), (3, null)`)
  await using _ = await world.work()
  const write = createWriter(world.source.url)
  const compared = ({ moment, phase, to, text }: RemoteCall) =>
    moment === 'after' && phase === 'verify' && to === 'source' && text.includes('export_snapshot')
  const moves = await moveAnd(world, compared, () => {
    const done = write([
      `update labels set tenant_id = 'acme' where id = 3`,
      `update labels set id = case id when 1 then 20 else 10 end where id in (1, 2)`,
      `update labels set id = case id when 20 then 2 else 1 end where id in (10, 20)`,
      'update files set note_id = 2 where id in (2, 3)',
    ])
    expect(done).toBe('accepted')
  })
  expect(moves.get('acme')?.phase).toBe('moved')
  const labels = `select id from labels where tenant_id = 'acme' order by id`
  const files = 'select id, note_id from files where note_id <= 4 order by id'
  for (const query of [labels, files]) {
    const { rows } = await world.source.pool.query(query)
    expect((await world.target.pool.query(query)).rows).toEqual(rows)
    expect(rows.length).toBeGreaterThan(1)
  }
})

test('plans that share tables leave each other what they need in the log', async () => {
  const notes = table<{ id: bigint }>('notes', {
    columns: { drop: ['words'] },
    transform: (row) => ({ ...row, id: row.id * 10n }),
  })
  const others = [
    table('tenants', { tenant: 'id' }),
    table('note_lines', { through: 'note_id' }),
    table('visits'),
  ]
  await using world = await createWorld({ plan: { strategy: 'online' } })
  const plans = [
    world.plan(),
    world.plan({ name: 'transforming', tables: [notes, ...others] }),
    world.plan({ name: 'standing-still', strategy: 'offline' }),
  ]
  const { CONTROL_URL: controlUrl = '', REDIS_URL: redisUrl } = world.environment
  const settings = { controlUrl, redisUrl, environment: world.environment }
  await install(settings, plans.map(checkPlan))
  for (const plan of plans) expect(await world.rehome.check(plan)).toEqual([])
  expect(await install(settings, plans.map(checkPlan))).toEqual([])
})
