// Tables whose foreign keys form a circle, or lead to tables of another schema.
import { expect, test } from 'vitest'
import { table } from '../src/plan/plan.ts'
import { ended, moveOf, runAll } from './helpers/runs.ts'
import { createWorld } from './helpers/world.ts'

const circle = `
  create table a (id int primary key, tenant_id text, b_id int);
  create table b (id int primary key, tenant_id text, a_id int references a (id));
  alter table a add foreign key (b_id) references b (id);
  create table leaf (id int primary key, tenant_id text, a_id int references a (id));`
const rows = `
  insert into a select g, 'acme' from generate_series(1, 5) g;
  insert into b select g, 'acme', g from generate_series(1, 5) g;
  update a set b_id = 6 - id;
  insert into leaf select g, 'acme', g from generate_series(1, 5) g;`

test('rows that point at each other in a circle move, come back, and are cleaned up', async () => {
  const plan = { tables: [table('a'), table('b'), table('leaf')], tenants: ['acme'] }
  const exclude = ['tenants', 'notes', 'visits']
  await using world = await createWorld({ both: circle, source: rows, plan: { ...plan, exclude } })
  await using _worker = await world.work()
  const count = async (end: 'source' | 'target') =>
    (
      await world[end].pool.query(`select (select count(*) from a) + (select count(*) from b)
      + (select count(*) from leaf) as n`)
    ).rows[0].n
  const runId = await runAll(world)
  expect((await moveOf(world, runId, 'acme')).error_message).toBeNull()
  await world.rehome.rollback(runId, { tenants: ['acme'] })
  expect((await ended(world, runId)).get('acme')?.phase).toBe('rolled_back')
  // The second move finds what the first one left at the target.
  const again = await runAll(world)
  expect((await moveOf(world, again, 'acme')).error_message).toBeNull()
  expect(await count('target')).toBe('15')
  await world.rehome.cleanup(again, { tenants: ['acme'] })
  expect((await ended(world, again)).get('acme')).toMatchObject({ phase: 'cleaned' })
  expect(await count('source')).toBe('0')
  expect(await count('target')).toBe('15')
})

test('a table of another schema that refers to a planned one has to be excluded by name', async () => {
  const source = `create schema other; create table other.marks
    (note_id bigint references notes (id) on delete cascade, mark int)`
  await using world = await createWorld({ source })
  const [finding] = await world.rehome.check(world.plan())
  expect(finding).toEqual({
    where: 'table "other.marks"',
    message: expect.stringContaining('of another schema has a foreign key to or from "notes"'),
  })
  expect(await world.rehome.check(world.plan({ exclude: ['other.marks'] }))).toEqual([
    {
      where: 'source table "other.marks"',
      message: expect.stringContaining('to "notes" is `on delete cascade`'),
    },
  ])
  const exclude = [{ table: 'other.marks', leaveReferences: true }]
  expect(await world.rehome.check(world.plan({ exclude }))).toEqual([])
})

test('a foreign key into another schema is checked after the copy', async () => {
  const users = 'create schema auth; create table auth.users (id bigint primary key);'
  const both = `${users} alter table visits add user_id bigint references auth.users (id);`
  const plan = { exclude: ['auth.users'], attempts: 1 }
  await using world = await createWorld({ both, plan })
  await world.addTenant('acme')
  await world.source.pool.query(`insert into auth.users values (7);
    update visits set user_id = 7 where day = '2025-12-25'`)
  await using _worker = await world.work()
  const move = await moveOf(world, await runAll(world), 'acme')
  expect(move).toMatchObject({ phase: 'failed', error_code: 'FOREIGN_KEY_BROKEN' })
  await world.target.pool.query('insert into auth.users values (7)')
  const again = await runAll(world)
  expect((await moveOf(world, again, 'acme')).error_message).toBeNull()
})
