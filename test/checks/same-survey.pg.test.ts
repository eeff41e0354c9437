// Tenants of one plan share a survey while both ends say the same, and no longer. A move relies on
// its survey while nothing has changed that its plan names or that refers to it.
import { expect, test } from 'vitest'
import { changedEnd, survey } from '../../src/checks/survey.ts'
import { closeEnds, openEnds } from '../../src/coordinator/installation.ts'
import { sharedEnds } from '../../src/ends/end.ts'
import { checkPlan } from '../../src/plan/check-plan.ts'
import { discover, type PlanInput } from '../../src/plan/plan.ts'
import { createWorld } from '../helpers/world.ts'

test('a survey is made anew after every change at an end, and for every other plan', async () => {
  await using world = await createWorld()
  const plan = checkPlan(world.plan())
  const ends = sharedEnds(openEnds(plan, world.environment))
  const first = await survey(plan, ends)
  expect(await survey(plan, ends)).toBe(first)
  for (const end of ['source', 'target'] as const) {
    const before = await survey(plan, ends)
    await world[end].pool.query('alter table notes disable trigger user')
    const opened = await survey(plan, ends)
    expect(opened.unguarded.map((one) => one.relation)).toContain('notes')
    await world[end].pool.query('alter table notes add column extra text')
    const extended = await survey(plan, ends)
    expect(extended[end].tables.get('notes')?.columns.at(-1)?.name).toBe('extra')
    expect(new Set([before, opened, extended]).size).toBe(3)
    expect(await survey(plan, ends)).toBe(extended)
  }
  const other = checkPlan(world.plan({ chunkRows: 7 }))
  const ofOther = await survey(other, ends)
  expect(ofOther.routes).not.toBe((await survey(plan, ends)).routes)
  await closeEnds(ends)
})

test.each([
  ['a table that is not of the plan comes', 'create table imported (id int primary key)'],
  [
    'it changes, and has triggers',
    `alter table beside add column more serial;
      alter table beside disable trigger all; alter table beside enable trigger all`,
  ],
  ['it goes', 'drop table beside cascade'],
  [
    'guards of other tables come',
    `create function rehome.guard_0123456789ab() returns trigger language plpgsql
      as 'begin return null; end'`,
  ],
])('a move relies on its survey although %s', async (_, change) => {
  await using world = await createWorld({ both: beside })
  const plan = checkPlan(world.plan())
  const ends = sharedEnds(openEnds(plan, world.environment))
  const before = await survey(plan, ends)
  for (const end of ['source', 'target'] as const) {
    await world[end].pool.query(change)
    expect(await changedEnd(before, { plan, ends })).toBe(null)
  }
  await world.target.pool.query('alter table notes add column late int')
  expect(await changedEnd(before, { plan, ends })).toBe(ends.target)
  await closeEnds(ends)
})

const beside = `create table beside (id int primary key, other int references beside);
  create view seen as select id from beside`

test.each<[what: string, change: string, tables?: PlanInput['tables']]>([
  [
    'a guard was off for a moment',
    'alter table notes disable trigger user; alter table notes enable trigger user',
  ],
  [
    'a table refers to rows of the move',
    'create table late (note bigint references notes on delete cascade)',
  ],
  [
    'a partition comes',
    `create table visits_2027 partition of visits for values from ('2027-01-01') to ('2028-01-01')`,
  ],
  ['a function of the fence is replaced', `alter function rehome.guard_tenant() cost 101`],
  [
    'a table of the tenants comes that the plan discovers',
    'create table late (id int primary key, tenant_id text)',
    [discover()],
  ],
])('a move does not rely on its survey once %s', async (_, change, tables) => {
  await using world = await createWorld({ both: beside })
  const plan = checkPlan(world.plan(tables && { tables }))
  const ends = sharedEnds(openEnds(plan, world.environment))
  const before = await survey(plan, ends)
  expect(await changedEnd(before, { plan, ends })).toBe(null)
  await world.source.pool.query(change)
  expect(await changedEnd(before, { plan, ends })).toBe(ends.source)
  await closeEnds(ends)
})

test('rows are counted right after their tenant column has got another type', async () => {
  await using world = await createWorld()
  const plan = checkPlan(world.plan())
  const ends = sharedEnds(openEnds(plan, world.environment))
  const { sql } = ends.source
  if (!sql) throw new Error('the source is a database')
  await sql.pool.query(
    'create table public.counted (id int); insert into public.counted values (7)',
  )
  const count = async (id: string) => {
    const text = 'select count(*)::int as n, min(id) as id from public.counted where id = $1'
    return (await sql.pool.query(text, [id])).rows[0]
  }
  for (let i = 0; i < 3; i += 1) {
    await survey(plan, ends)
    expect(await count('7')).toEqual({ n: 1, id: 7 })
  }
  await sql.pool.query('alter table public.counted alter column id type text')
  await survey(plan, ends)
  expect(await count('many')).toEqual({ n: 0, id: null })
  expect(await count('7')).toEqual({ n: 1, id: '7' })
  await closeEnds(ends)
})
