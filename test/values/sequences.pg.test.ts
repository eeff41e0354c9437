// Numbers that rows get from sequences go on behind those that have come, whichever way a default
// takes them, at the new home and after a way back; and `check` says where that cannot be seen to.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { table } from '../../src/plan/plan.ts'
import { bothEnds, createHttpWorld } from '../helpers/http-world.ts'
import { ended } from '../helpers/runs.ts'
import { createWorld, type World } from '../helpers/world.ts'

const both = `
  create sequence global_ids; create sequence inv_no; create sequence below increment by -1;
  create sequence in_domain; create sequence hidden;
  create schema odd; create sequence odd.seq; create domain number as bigint default nextval('in_domain');
  create table letters (id int primary key default nextval('global_ids'), tenant_id text, note text);
  create table parcels (id bigint primary key default nextval('global_ids'), tenant_id text, note text);
  create table invoices (no text primary key default 'INV-' || nextval('inv_no'), tenant_id text, note text);
  create table falling (id bigint primary key default nextval('below'), tenant_id text, note text);
  create table owned (id bigint generated always as identity (start 500 increment by -1 minvalue 1 maxvalue 500) primary key,
    tenant_id text, note text);
  create table domained (id number primary key, tenant_id text, note text);
  create table elsewhere (id bigint primary key default nextval('odd.seq'), tenant_id text, note text);
  create function next_no() returns bigint language sql as $$ select nextval('hidden') $$;
  create table hiding (id bigint primary key default next_no(), tenant_id text, note text);`

const names = ['letters', 'parcels', 'invoices', 'falling', 'owned', 'domained', 'elsewhere']

/** Tables with numbers that rehome cannot bring past the rows that arrive, beside `hiding`. */
const silent = ['parsed', 'deep', 'labels']
const silentSql = `
  create function parsed_no() returns bigint language sql begin atomic select nextval('hidden'); end;
  create domain hidden_number as bigint default parsed_no();
  create table parsed (id bigint primary key default parsed_no(), tenant_id text, note text);
  create table deep (id hidden_number primary key, tenant_id text, note text);
  create table labels (no text primary key, tenant_id text, note text);`

const options = {
  both: `drop table note_lines, notes, visits, tenants; ${both}`,
  plan: {
    tables: [...names, 'hiding'].map((name) => table(name)),
    tenants: ['acme'],
    rollback: { windowMs: 600_000 },
  },
}

let world: World
beforeAll(async () => {
  const tables = [...options.plan.tables, ...silent.map((name) => table(name))]
  world = await createWorld({
    both: `${options.both}; ${silentSql}`,
    target: `alter table labels alter no set default 'L-' || nextval('inv_no')`,
    plan: { ...options.plan, tables },
  })
})
afterAll(async () => await world[Symbol.asyncDispose]())

const insert = async (at: World, end: 'source' | 'target', rows: number) => {
  for (const name of names) {
    const query = `insert into ${name} (tenant_id, note) select 'acme', $1 from generate_series(1, $2::int)`
    await at[end].pool.query(query, [end, rows])
  }
}

async function goAndReturn(at: World): Promise<void> {
  await insert(at, 'source', 20)
  await using _ = await at.work()
  const { runId } = await at.rehome.enqueue(at.plan({ tenants: ['acme'] }), { tenants: ['acme'] })
  expect((await ended(at, runId)).get('acme')).toMatchObject({ error_message: null })
  await insert(at, 'target', 30)
  await at.rehome.rollback(runId ?? '', { tenants: ['acme'] })
  expect((await ended(at, runId)).get('acme')).toMatchObject({
    error_message: null,
    phase: 'rolled_back',
  })
  await insert(at, 'source', 5)
  for (const name of names) {
    const { rows } = await at.source.pool.query(`select count(*)::int as n from ${name}`)
    expect([name, rows[0].n]).toEqual([name, 55])
  }
}

const title = 'the first rows at the new home, and at the old one again, get numbers that are free'
test(title, () => goAndReturn(world))

test(`${title}, over HTTP`, { timeout: 120_000 }, async () => {
  await using asked = await createHttpWorld({ over: bothEnds, ...options })
  const tenants = ['acme']
  const plan = asked.plan({ tenants })
  await goAndReturn({ ...asked, plan: () => plan, work: () => asked.work([plan]) })
})

test('check says where numbers come from functions, and where both ends give the same ones', async () => {
  const at = async (end: 'source' | 'target', value: number) =>
    await world[end].pool.query(`select setval('global_ids', $1)`, [value])
  const notesOf = async (name: string) => {
    const notes = await world.rehome.notes(world.plan())
    return notes.filter(({ where }) => where === `target table "${name}"`).map((n) => n.message)
  }
  await at('source', 1_000_000_123)
  await at('target', 1_000_000_050)
  const places = '(source at 1000000123, target at 1000000050)'
  const taken = `both ends give "id" from one range ${places}, so a later move may bring an id that is taken`
  const part = "part them at the target, `select setval('public.global_ids', 2000000000)`"
  expect(await notesOf('parcels')).toEqual([`${taken}: ${part}`])
  expect(await notesOf('hiding')).toEqual([
    "a default calls next_no(), which takes numbers from a sequence: rehome does not bring that past the rows that arrive. Set it yourself, far beyond the source's",
  ])
  await at('target', 2_000_000_000)
  expect(await notesOf('letters')).toEqual([])
})

test('check says at which end numbers are not brought past the rows that arrive', async () => {
  const notes = await world.rehome.notes(world.plan())
  const found = notes.filter(({ message }) => /rehome does not bring that past/.test(message))
  const calls = (name: string, called: string) => [
    [`target table "${name}"`, `a default calls ${called}(), which takes`],
    [`source table "${name}"`, `a default calls ${called}(), which takes`],
  ]
  const told = found.map(({ where, message }) => [where, message])
  const expected = [
    ...calls('hiding', 'next_no'),
    ...calls('parsed', 'parsed_no'),
    ...calls('deep', 'parsed_no'),
    ['target table "labels"', 'values of "no" are made with numbers of public.inv_no, and at the'],
  ].map(([where, text]) => [where, expect.stringContaining(text ?? '')])
  expect(told).toHaveLength(expected.length)
  expect(told).toEqual(expect.arrayContaining(expected))
})

test('a publication of all tables is named by check, and logs are kept and removed under it', async () => {
  for (const end of ['source', 'target'] as const) {
    await world[end].pool.query('create publication everything for all tables')
  }
  const [note] = await world.rehome.notes(world.plan())
  expect(note?.message).toMatch(/^publication "everything" carries rehome's own tables/)
  await using _ = await world.work()
  const { runId } = await world.rehome.enqueue(world.plan(), { tenants: ['acme'] })
  expect((await ended(world, runId)).get('acme')).toMatchObject({ error_message: null })
  await insert(world, 'target', 1)
  await world.rehome.finalize(runId ?? '', { tenants: ['acme'] })
  expect((await ended(world, runId)).get('acme')).toMatchObject({ error_message: null })
})
