// Functions of the application that find names by a search path: with the plan's a tenant moves and
// comes back; without it `check` says so, and a move ends before its cutover.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { table } from '../../src/plan/plan.ts'
import { ended } from '../helpers/runs.ts'
import { createWorld, type World } from '../helpers/world.ts'

const both = `
  drop table note_lines, notes, visits, tenants;
  create schema helpers;
  create table helpers.limits (longest int); insert into helpers.limits values (20);
  create function helpers.longest() returns int language sql stable
    as $$ select longest from helpers.limits $$;
  create function is_short(text) returns boolean language plpgsql immutable
    as $$ begin return length($1) <= longest(); end $$;
  create domain short as text check (is_short(value));
  create table notes (id int primary key, tenant_id text not null, body text check (is_short(body)),
    made text generated always as (case when is_short(body) then 'short' end) stored, title short);
  insert into notes (id, tenant_id, body, title)
    select i, chr(97 + i % 2), 'body ' || i, 'title' from generate_series(1, 8) i`

const searchPath = ['public', 'helpers']
let world: World
beforeAll(async () => {
  world = await createWorld({
    both: `set search_path = public, helpers; ${both}; reset search_path`,
    target: 'delete from notes',
    plan: {
      tables: [table('notes')],
      tenants: ['a', 'b'],
      attempts: 1,
      strategy: 'online',
      searchPath,
    },
  })
})
afterAll(async () => await world[Symbol.asyncDispose]())

const rows = async (end: 'source' | 'target') =>
  (await world[end].pool.query('select n::text as row from notes n order by 1')).rows

test('a tenant moves by the search path of the plan, and comes back', async () => {
  const others = (await rows('source')).filter(({ row }) => /,b,/.test(row))
  expect(await world.rehome.check(world.plan())).toEqual([])
  await using _ = await world.work()
  const { runId } = await world.rehome.enqueue(world.plan(), { tenants: ['a'] })
  const outcome = async () => (await ended(world, runId)).get('a')
  expect(await outcome()).toMatchObject({ error_message: null, phase: 'moved' })
  expect(await rows('target')).toHaveLength(4)
  await world.target.pool.query(`set search_path = public, helpers;
    update notes set body = 'written'; reset search_path`)
  const written = await rows('target')
  await world.rehome.rollback(runId ?? '', { tenants: ['a'] })
  expect(await outcome()).toMatchObject({ error_message: null, phase: 'rolled_back' })
  expect(await rows('source')).toEqual([...written, ...others].sort(byRow))
})

const byRow = (left: { row: string }, right: { row: string }) => (left.row < right.row ? -1 : 1)

test('without it check names the function, and a move ends before its cutover', async () => {
  const { searchPath: _, ...without } = world.plan()
  const plan = { ...without, name: 'without' }
  const notes = await world.rehome.notes(plan)
  const named = notes.filter(({ message }) => /names "longest" without a schema/.test(message))
  expect(named.map(({ where }) => where)).toEqual([
    'source function public.is_short',
    'target function public.is_short',
  ])
  await using _worker = await world.work([plan])
  const { runId } = await world.rehome.enqueue(plan, { tenants: ['b'] })
  const move = (await ended(world, runId)).get('b')
  expect(move).toMatchObject({ phase: 'failed' })
  expect(move?.error_message).toMatch(/longest/)
  expect((await rows('source')).length).toBe(8)
})
