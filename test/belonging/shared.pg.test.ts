// Rows of everybody that a tenant needs: members of teams, the plans of these, and what becomes of
// them when a tenant moves and comes back.
import { expect, test } from 'vitest'
import { storeRehearsal } from '../../src/coordinator/enqueue.ts'
import { closeEnds, openEnds } from '../../src/coordinator/installation.ts'
import { checkPlan } from '../../src/plan/check-plan.ts'
import { type PlanInput, table } from '../../src/plan/plan.ts'
import { type SharedOptions, shared } from '../../src/plan/shared-table.ts'
import { openAttempts } from '../helpers/attempts.ts'
import { type Application, createApplication, travel } from '../helpers/moves/journey.ts'
import { ended } from '../helpers/runs.ts'

const teams: Application = {
  schema: `
    create table plans (id int primary key, name text not null);
    create table users (id bigint primary key, email text not null unique, note text,
      plan_id int references plans);
    create table sessions (id int primary key, user_id bigint not null references users);
    create table memberships (tenant_id text not null, user_id bigint not null references users,
      primary key (tenant_id, user_id));
    create table posts (id bigint primary key, tenant_id text not null,
      author_id bigint references users);
    insert into plans values (1, 'free')`,
  seed: `
    insert into plans values (2, 'paid');
    insert into users select g, 'user ' || g, null, 1 + g % 2 from generate_series(1, 12) g;
    insert into sessions values (1, 1);
    insert into memberships select case when g % 3 = 0 then 'beta' else 'acme' end, g
      from generate_series(1, 8) g;
    insert into memberships values ('beta', 1);
    insert into posts select g, 'acme', 9 + g % 2 from generate_series(1, 6) g`,
  tables: [
    table('memberships'),
    table('posts'),
    shared('users', { referencedBy: ['memberships.user_id', 'posts.author_id'] }),
    shared('plans', { referencedBy: 'users.plan_id' }),
  ],
  everybodys: ['users', 'plans'],
  write(i) {
    const id = 1_000 + 10 * i
    return [
      `insert into plans values (${id}, 'special')`,
      `insert into users values (${id}, 'new ${id}', null, ${id}), (${id + 1}, 'other ${id}', null, 1)`,
      `insert into memberships values ('acme', ${id})`,
      `insert into posts values (${id}, 'acme', ${id + 1}), (${id + 1}, 'acme', null)`,
      `update posts set author_id = ${id} where id = ${id - 9}`,
      ...(i % 3 === 2 ? [`delete from memberships where user_id = ${id - 20}`] : []),
    ]
  },
}

test('members of a team and their plans are brought with it, and back', async () => {
  await travel(teams)
})

test('shared rows come offline, stay when the tenant is cleaned up, and are in the evidence', async () => {
  await using world = await createApplication(teams, { strategy: 'offline' })
  await world.work()
  const { runId } = await world.rehome.enqueue(world.plan(), { tenants: ['acme'] })
  const move = (await ended(world, runId)).get('acme')
  expect([move?.phase, move?.error_message ?? null]).toEqual(['moved', null])
  expect(move?.evidence).toMatchObject({
    shared: { users: { rows: 8, inserted: 8 }, plans: { rows: 2, inserted: 1 } },
  })
  const users = 'select id::int from users order by id'
  const ids = (await world.target.pool.query(users)).rows.map(({ id }: { id: number }) => id)
  expect(ids).toEqual([1, 2, 4, 5, 7, 8, 9, 10])
  await world.rehome.cleanup(runId ?? '', { tenants: ['acme'] })
  await ended(world, runId)
  expect((await world.source.pool.query('select from memberships')).rowCount).toBe(3)
  expect((await world.source.pool.query(users)).rowCount).toBe(12)
})

const sharing = (options: Partial<SharedOptions>): PlanInput['tables'] => [
  ...[table('tenants', { tenant: 'id' }), table('memberships'), table('posts')],
  shared('users', { referencedBy: ['memberships.user_id', 'posts.author_id'], ...options }),
  shared('plans', { referencedBy: 'users.plan_id' }),
]

test.each<[string, Partial<SharedOptions>, string, string, string]>([
  [
    'rows that are missing',
    { missing: 'refuse' },
    'select',
    'SHARED_ROWS_MISSING',
    '"users" at the target: 8 shared rows are not there, e.g. (1)',
  ],
  [
    'a row that differs',
    {},
    `insert into users values (1, 'user 1', 'mine', 1)`,
    'SHARED_ROWS_DIFFER',
    '"users" at the target: 1 shared rows differ, e.g. (1) in note, plan_id',
  ],
  [
    'a person who is known under another id',
    { compare: ['email'] },
    `insert into users values (77, 'user 2')`,
    'SHARED_ROWS_MISSING',
    '1 shared rows could not be inserted, as another row there has the same value in a unique index, e.g. (2)',
  ],
])('%s end a move before the tenant is fenced', async (_, options, there, code, message) => {
  await using world = await createApplication(teams, { tables: sharing(options) })
  await world.target.pool.query(there)
  await world.work()
  const { runId } = await world.rehome.enqueue(world.plan(), { tenants: ['acme'] })
  const move = (await ended(world, runId)).get('acme')
  expect([move?.error_code, move?.error_message]).toEqual([code, expect.stringContaining(message)])
  expect(move?.pause_ms).toBe(0)
})

test('a plan says what is shared, and check what is not', async () => {
  await using world = await createApplication(teams)
  const found = async (tables: PlanInput['tables'], exclude: PlanInput['exclude'] = []) => {
    const plan = world.plan({ tables, exclude: [...(world.plan().exclude ?? []), ...exclude] })
    const findings = await world.rehome.check(plan)
    return findings.map(({ where, message }) => `${where}: ${message}`)
  }
  const [tenants, memberships, posts, users] = sharing({})
  const owned = [tenants, memberships, posts].flatMap((one) => one ?? [])
  expect(await found(sharing({}))).toEqual([])
  expect(await found(owned)).toEqual([
    expect.stringContaining(
      `plan it, \`shared('users', { referencedBy: ['memberships.user_id', 'posts.author_id'] })\``,
    ),
  ])
  expect(await found([...owned, users ?? table('users')])).toEqual([
    expect.stringContaining(`plan it, \`shared('plans', { referencedBy: 'users.plan_id' })\``),
  ])
  expect(await found(sharing({ compare: ['emial'] }))).toEqual([
    'shared table "users": compares column "emial", which it does not bring',
  ])
  await world.target.pool.query('alter table users add constraint mails unique (note) deferrable')
  expect(await found(sharing({ missing: 'insert' }))).toEqual([
    expect.stringContaining('shared table "users": has the deferrable constraint "mails"'),
  ])
  expect(await found(sharing({ missing: 'refuse' }))).toEqual([])
  await world.target.pool.query('alter table users drop constraint mails')
  const managers = 'alter table users add manager_id bigint references users'
  for (const { pool } of [world.source, world.target]) await pool.query(managers)
  expect(await found(sharing({}))).toEqual([
    `shared table "users": refers by "users_manager_id_fkey" to rows of the same table, so its rows cannot be inserted: leave that out, \`columns: { drop: ['manager_id'] }\`, or bring the rows first and set \`missing: 'refuse'\``,
  ])
  expect(await found(sharing({ columns: { drop: ['manager_id'] } }))).toEqual([])
  expect(await found(sharing({ missing: 'refuse' }))).toEqual([])
  const sessions = table('sessions', { through: 'user_id' })
  expect(await found([...sharing({ missing: 'refuse' }), sessions])).toEqual([
    'table "sessions": "user_id" leads to "users", whose rows are shared and no tenant\'s',
  ])
})

test('a rehearsal leaves no shared row behind', async () => {
  await using world = await createApplication(teams)
  const plan = checkPlan(world.plan())
  const ends = openEnds(plan, world.environment)
  await storeRehearsal(world.rehome, { plan, ends }, { tenant: 'acme', by: 'tester' })
  await closeEnds(ends)
  await using attempts = openAttempts(world)
  expect(await attempts.try('acme')).toMatchObject({ kind: 'settled' })
  expect((await world.target.pool.query('select from users')).rowCount).toBe(0)
})
