// Schemas of tenants that `init` makes, like a template or by a function of the plan, and that a
// clean-up drops again. Schemas are compared by queries of the test's own.
import type pg from 'pg'
import { expect, test } from 'vitest'
import { checkPlan } from '../../src/plan/check-plan.ts'
import type { PlanInput } from '../../src/plan/plan.ts'
import type { Prepare } from '../../src/plan/preparation.ts'
import {
  createShapesWorld,
  type ShapesWorld,
  shapesPlan,
  tryWriteAs,
} from '../helpers/schemas/shapes.ts'

const shapes = { source: 'column', target: 'schema' } as const

/** Facts that an application and its roles can see of a schema, without its name. */
async function structureOf(pool: pg.Pool, schema: string): Promise<string[]> {
  const query = `
    select 'column ' || c.table_name || ' ' || to_jsonb(c) - array['table_schema', 'table_catalog', 'ordinal_position',
        'udt_schema', 'udt_catalog', 'domain_schema', 'domain_catalog', 'dtd_identifier']::text[]
        as line from information_schema.columns c where table_schema = $1
    union all select 'index ' || indexdef from pg_indexes where schemaname = $1
    union all select 'constraint ' || conrelid::regclass || ' ' || conname || ' '
        || pg_get_constraintdef(k.oid) || condeferrable
      from pg_constraint k where connamespace = $1::regnamespace and contype <> 't'
    union all select 'trigger ' || pg_get_triggerdef(t.oid) || tgenabled::text
      from pg_trigger t join pg_class c on c.oid = tgrelid
      where relnamespace = $1::regnamespace and not tgisinternal and tgname !~ '^rehome'
    union all select 'grant ' || table_name || ' ' || grantee || ' ' || privilege_type
      from information_schema.role_table_grants where table_schema = $1
    union all select 'sequence ' || sequencename || ' ' || to_jsonb(s) - '{schemaname,last_value}'::text[]
      from pg_sequences s where schemaname = $1
    union all select concat_ws(' ', 'kept', relname, relreplident, attname, attstorage, attstattarget,
        attoptions) from pg_class c join pg_attribute a on attrelid = c.oid
      where relnamespace = $1::regnamespace and relkind in ('r', 'p') and attnum > 0 and not attisdropped
    union all select concat_ws(' ', 'chosen', indexrelid::regclass, indisreplident, indisclustered)
      from pg_index x join pg_class c on c.oid = indexrelid where relnamespace = $1::regnamespace
    union all select 'enum ' || t.oid::regtype || ' ' || enumlabel
      from pg_enum e join pg_type t on t.oid = enumtypid where typnamespace = $1::regnamespace`
  const { rows } = await pool.query<{ line: string }>(query, [schema])
  return rows.map(({ line }) => line.replaceAll(new RegExp(`"?${schema}"?`, 'g'), 'X')).sort()
}

const odd = `set search_path = tenant_template;
  create domain percent as int default 7 check (value between 0 and 100);
  create sequence numbers increment by 5 start 100 cache 3;
  create table "odd ""one" (gone int, id serial primary key, code text collate "C" not null unique,
    share percent not null, n bigint default nextval('numbers'), doubled int generated always as (id * 2) stored,
    mood mood default 'calm', said varchar(40)[], other int references "odd ""one" deferrable initially deferred,
    constraint "no 'x'" check (code <> 'x''''y'), exclude using btree (n with =)) with (fillfactor = 70);
  create index on "odd ""one" (lower(code)) where id > 3;
  alter table "odd ""one" drop gone;
  create index on visits (hits);
  create function public.touch() returns trigger language plpgsql as 'begin return new; end';
  create trigger touched before update of code on "odd ""one" for each row when (new.id > 0)
    execute function public.touch();
  alter table "odd ""one" disable trigger touched;
  create unique index told on "odd ""one" (code, share);
  alter table "odd ""one" replica identity using index told, alter code set storage external,
    alter said set storage main, alter n set statistics 700, alter n set (n_distinct = -0.5);
  alter table visits_2025 cluster on visits_2025_pkey;
  do $$ begin create role shapes_reader; exception when others then null; end $$;
  grant usage on schema tenant_template to shapes_reader;
  grant select, insert on "odd ""one", orders to shapes_reader;
  grant update (code) on "odd ""one" to shapes_reader;
  reset search_path`

test('a schema that is missing is made like the template, guarded, moved to, and dropped', async () => {
  const tenants = ['acme', `Wild"card's %`]
  await using world = await createShapesWorld({
    shapes,
    tenants,
    template: true,
    atTarget: odd,
    plan: { prepare: { like: 'tenant_template' }, cleanup: { drop: true } },
  })
  const { pool } = world.target
  const made = (name: string) => `schema ${name} at the target, like "tenant_template"`
  expect(world.installed).toEqual(
    expect.arrayContaining([made('"tenant_acme"'), made(`"tenant_Wild""card's %"`)]),
  )
  expect(await world.init()).toEqual([])
  const template = await structureOf(pool, 'tenant_template')
  expect(template.length).toBeGreaterThan(60)
  expect(await structureOf(pool, 'tenant_acme')).toEqual(template)
  expect(await world.rehome.check(world.plan())).toEqual([])

  await pool.query('drop schema tenant_acme cascade')
  const missing =
    'there is no schema or database for tenant "acme": run `rehome init`, which makes it by `prepare`'
  expect(await world.rehome.check(world.plan())).toEqual([{ where: 'target', message: missing }])
  const only = () => world.rehome.enqueue(world.plan(), { tenants: ['acme'] })
  await expect(only()).rejects.toMatchObject({ code: 'PREFLIGHT_FAILED' })
  expect(await world.init()).toEqual([made('"tenant_acme"')])
  await pool.query('drop table tenant_acme."odd ""one"; drop sequence tenant_acme.numbers')
  const { runId } = await world.move('acme')
  await world.carry('acme', () =>
    world.rehome.rollback(runId, { tenants: ['acme'], discardWrites: true }),
  )
  expect(await tryWriteAs(world.target, 'schema', 'acme')).toBe('25006 rehome:fenced')
  const cleaned = await world.carry('acme', () =>
    world.rehome.cleanup(runId, { tenants: ['acme'] }),
  )
  expect(cleaned).toMatchObject({ phase: 'cleaned', evidence: { droppedSchema: true } })
  const left = await pool.query(`select nspname from pg_namespace where nspname like 'tenant%'`)
  expect(left.rows.map(({ nspname }) => nspname).sort()).toEqual([
    `tenant_Wild"card's %`,
    'tenant_template',
  ])
})

async function movedAndCleaned(world: ShapesWorld): Promise<unknown> {
  const { runId } = await world.move('acme')
  const ask = () => world.rehome.cleanup(runId, { tenants: ['acme'] })
  const { phase, evidence } = await world.carry('acme', ask)
  const { droppedSchema, schemaKept } = Object(evidence)
  return { phase, droppedSchema, schemaKept }
}

test('an emptied schema goes with its logs and guards, and one that holds more stays', async () => {
  await using world = await createShapesWorld({
    shapes: { source: 'schema', target: 'column' },
    tenants: ['acme', 'other'],
    plan: {
      strategy: 'online',
      rollback: { windowMs: 0 },
      pause: { budgetMs: 60_000 },
      cleanup: { drop: true },
    },
  })
  const { pool } = world.source
  const ours = async () => {
    const query = `select c.relname as name from pg_class c where relnamespace = 'rehome_log'::regnamespace
        and relkind = 'r'
      union all select proname from pg_proc where proname ~ '^guard_[0-9a-f]{12}' order by 1`
    return (await pool.query(query)).rows.length
  }
  const all = await ours()
  await pool.query('create view tenant_acme.recent as select * from tenant_acme.orders')
  expect(await movedAndCleaned(world)).toEqual({
    phase: 'cleaned',
    droppedSchema: false,
    schemaKept: 'it holds view tenant_acme.recent',
  })
  expect((await pool.query('select count(*)::int as n from tenant_acme.recent')).rows).toEqual([
    { n: 0 },
  ])
  expect(await ours()).toBe(all)

  const { runId } = await world.move('other')
  await world.carry('other', () => world.rehome.cleanup(runId, { tenants: ['other'] }))
  expect((await pool.query(`select to_regnamespace('tenant_other') as name`)).rows).toEqual([
    { name: null },
  ])
  expect(await ours()).toBe(all / 2)
})

test("a plan's function makes schemas, in one transaction each", async () => {
  const calls: unknown[] = []
  const prepare: Prepare = async ({ tenant, schema, quotedSchema, sql }) => {
    calls.push([tenant, schema, quotedSchema])
    await sql(`create schema ${quotedSchema}`)
    if (calls.length === 1) throw new Error('no room for it')
    await sql(`create table ${quotedSchema}.customers (id bigint primary key)`)
  }
  await using world = await createShapesWorld({ shapes, tenants: ['acme'], template: true })
  const { pool } = world.target
  const isThere = async () =>
    (await pool.query(`select to_regclass('tenant_acme.customers') is not null as there`)).rows[0]
  await expect(world.init({ prepare })).rejects.toMatchObject({
    code: 'PREFLIGHT_FAILED',
    message: 'the plan\'s `prepare` for schema "tenant_acme": no room for it',
  })
  expect(await isThere()).toEqual({ there: false })
  const none = world.init({ prepare: async () => null })
  await expect(none).rejects.toThrow('the plan\'s `prepare` has made no schema "tenant_acme"')
  expect(await world.init({ prepare })).toEqual([
    `schema "tenant_acme" at the target, by the plan's \`prepare\``,
  ])
  expect(await isThere()).toEqual({ there: true })
  const own = ['acme', 'tenant_acme', '"tenant_acme"']
  expect(calls).toEqual([own, own])
})

test('a template with what cannot be made anew is refused by name', async () => {
  await using world = await createShapesWorld({ shapes, tenants: ['acme'], template: true })
  const { pool } = world.target
  await pool.query(`create view tenant_template.recent as select 1 as one;
    create function tenant_template.sum_up() returns int language sql as 'select 1'`)
  await expect(world.init({ prepare: { like: 'tenant_template' } })).rejects.toThrow(
    'has what `prepare.like` does not make anew: function tenant_template.sum_up(); view tenant_template.recent:',
  )
  await expect(world.init({ prepare: { like: 'elsewhere' } })).rejects.toThrow(
    'plan field `prepare.like`: there is no schema "elsewhere" at the target',
  )
  await pool.query('drop view tenant_template.recent; drop function tenant_template.sum_up')
  await pool.query(`alter table tenant_template.customers set (toast.autovacuum_enabled = false)`)
  await expect(world.init({ prepare: { like: 'tenant_template' } })).rejects.toThrow(
    'schema "tenant_acme" would not be like "tenant_template"',
  )
  const taken = 'plan field `prepare.like`: "tenant_acme" is also the schema of tenant "acme"'
  const own = { prepare: { like: 'tenant_acme' } }
  await expect(world.init(own)).rejects.toMatchObject({ code: 'PLAN_INVALID' })
  await expect(world.rehome.check(world.plan(own))).rejects.toThrow(taken)
  const named = (await pool.query(`select to_regnamespace('tenant_acme') as name`)).rows
  expect(named).toEqual([{ name: null }])
})

test.each<readonly [string, Partial<PlanInput>, string]>([
  ['`prepare`', { prepare: { like: 'x' } }, 'the target has no schema or database for each tenant'],
  ['`cleanup.drop`', { cleanup: { drop: true } }, 'no end has a schema for each tenant'],
])('%s is refused where it means nothing', (field, plan, why) => {
  const columns = { source: 'column', target: 'column' } as const
  const input = shapesPlan({ shapes: columns, tenants: ['acme'], plan })
  expect(() => checkPlan(input)).toThrow(`plan field ${field}: ${why}`)
})
