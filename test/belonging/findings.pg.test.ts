// What `check` and a move say of rows whose tenant is unknown, and of references without a key.
import { expect, test } from 'vitest'
import { type PlanInput, table } from '../../src/plan/plan.ts'
import { anyOf } from '../../src/plan/through.ts'
import { createApplication } from '../helpers/moves/journey.ts'
import { ended } from '../helpers/runs.ts'

const schema = `
  create table roles (id int primary key, tenant_id text, name text);
  create table projects (id int primary key, tenant_id text not null);
  create table tasks (id int primary key, project_id int)`
const seed = `
  insert into roles values (1, null, 'admin'), (2, null, 'guest'), (3, 'acme', 'own');
  insert into projects values (1, 'acme'), (2, 'beta');
  insert into tasks values (1, 1), (2, 2), (3, null), (4, 99)`
const byProject = { through: { project_id: 'projects.id' } } as const
const application = {
  ...{ schema, seed, write: () => [] },
  tables: [table('roles'), table('projects'), table('tasks', byProject)],
}

test('rows without a tenant and missing indexes are findings, with their number and the line to paste', async () => {
  await using world = await createApplication(application)
  const found = async (tables?: PlanInput['tables']) =>
    (await world.rehome.check(world.plan(tables && { tables }))).map(
      ({ where, message }) => `${where}: ${message}`,
    )
  const settle = "remove or change them, or set `nobody: 'stay'`, and such rows stay where they are"
  const index = `no index begins with (project_id), by which its rows are found: \`create index on "public"."tasks" ("project_id")\``
  expect(await found()).toEqual([
    `table "roles": 2 rows have no tenant: ${settle}`,
    `table "tasks": 1 rows have no tenant, and 1 rows refer to a row that does not exist: ${settle}`,
    `source table "tasks": ${index}`,
    `target table "tasks": ${index}`,
  ])
  await expect(world.rehome.enqueue(world.plan(), { tenants: ['acme'] })).rejects.toThrow(
    '2 rows have no tenant',
  )
  for (const { pool } of [world.source, world.target])
    await pool.query('create index on tasks (project_id)')
  const tables = [
    table('tenants', { tenant: 'id' }),
    table('roles', { nobody: 'stay' }),
    table('projects'),
    table('tasks', { ...byProject, nobody: 'stay' }),
  ]
  // Guards accept rows without a parent only where the plan says so.
  const unguarded = (where: string) => `${where} table "tasks": has no guard: run \`rehome init\``
  expect(await found(tables)).toEqual([unguarded('source'), unguarded('target')])
})

test('a row at the target that would become one of the tenant ends the move, and stays', async () => {
  const tables = [table('projects'), table('tasks', { ...byProject, nobody: 'stay' })]
  await using world = await createApplication({
    ...application,
    ...{ tables, exclude: ['roles'], schema: `${schema}; create index on tasks (project_id)` },
  })
  await world.target.pool.query('insert into tasks values (77, 1), (78, 1234)')
  await world.work()
  const { runId } = await world.rehome.enqueue(world.plan(), { tenants: ['acme'] })
  const move = (await ended(world, runId)).get('acme')
  expect([move?.error_code, move?.error_message]).toEqual([
    'TARGET_NOT_EMPTY',
    expect.stringContaining(`"tasks" at the target has rows that refer to 1 of the tenant's rows`),
  ])
  const { rows } = await world.target.pool.query('select id from tasks order by 1')
  expect(rows).toEqual([{ id: 77 }, { id: 78 }])
})

test('rows of one table that refer to each other by a key without a hash are a finding', async () => {
  await using world = await createApplication({
    schema: `create table posts (id bit varying primary key, tenant_id text not null);
      create table comments (id bit varying primary key, post_id bit varying references posts,
        parent_id bit varying references comments);
      create index on comments (post_id); create index on comments (parent_id)`,
    seed: `insert into posts values (b'1', 'acme'); insert into comments values (b'1', b'1', null)`,
    ...{ tables: [table('posts')], exclude: ['comments'], write: () => [] },
  })
  const tables = [
    table('tenants', { tenant: 'id' }),
    table('posts'),
    table('comments', { through: anyOf('post_id', 'parent_id') }),
  ]
  const exclude = (world.plan().exclude ?? []).filter((one) => one !== 'comments')
  const findings = await world.rehome.check(world.plan({ tables, exclude }))
  const said = findings.map(({ where, message }) => [where, /no hash function/.test(message)])
  expect(said).toContainEqual(['source table "comments"', true])
  expect(said).toContainEqual(['target table "comments"', true])
})
