// What only the target demands of rows is tried on the rows of the source: `check` says which rows
// it would refuse, and what it could not try; an attempt says so before anybody waits for it.
import { expect, test } from 'vitest'
import { table } from '../../src/plan/plan.ts'
import { sql } from '../../src/plan/sql-text.ts'
import { runAll } from '../helpers/runs.ts'
import { createWorld, type World } from '../helpers/world.ts'

const kinds = `
  create type pair as (a text, b text);
  create domain code as text;
  create domain short as text;
  create domain codes as text[];
  create table kinds (
    id int primary key, tenant_id text not null, title text, amount int, code code, short short,
    "Odd name" text, slot int, during int4range, label text, area text, codes text[],
    nulls pair default row(null, null), pair pair
  );
  create table parts (id int not null, tenant_id text not null, at int, primary key (id, at))
    partition by range (at);
  create table hashed (id int primary key, tenant_id text not null) partition by hash (id);
  create table hashed_0 partition of hashed for values with (modulus 2, remainder 0);
  create table lines (kind_id int references kinds, n int not null, primary key (kind_id, n));`

const source = `${kinds}
  create table parts_all partition of parts default;
  create table hashed_1 partition of hashed for values with (modulus 2, remainder 1);
  alter table kinds add check (id > 0), add unique (slot, tenant_id), add unique (id, slot);`

const target = `${kinds}
  create table parts_1 partition of parts for values from (0) to (10);
  create table parts_2 partition of parts for values from (10) to (20) partition by list (at);
  create table parts_2a partition of parts_2 for values in (10, 11, 12);
  create function is_good(text) returns boolean language sql immutable as $$ select $1 <> 'bad' $$;
  alter table parts_1 add constraint "odd ids" check (id % 2 = 1);
  alter table kinds
    alter title set not null, alter nulls set not null, add constraint "one pair" unique (pair), add check (id > 0), add constraint "rich" check (amount > 0 or title = 'x'),
    add constraint "good" check (is_good(label)), add unique (tenant_id, slot), alter area type varchar(3),
    add constraint "apart" exclude using gist (during with &&) where (during is not null),
    add column made int generated always as (amount * 2) stored,
    add constraint "made" check (made < 1000), add constraint "one area" unique nulls not distinct (area);
  create unique index "one label" on kinds (lower(label)) where amount > 0;
  create table areas (id int primary key);
  alter table kinds add constraint "in area" foreign key (amount) references areas not valid;
  alter domain code add constraint "three" check (length(value) = 3);
  alter domain short add constraint "brief" check (length(value) < 3) not valid;
  alter table lines add constraint "few" check (n < 3), add constraint "not five" check (n <> 5) not valid;`

const tables = [
  table('kinds', { columns: { compute: { area: sql`r.area || '-'` }, rename: {} } }),
  table('parts'),
  table('hashed'),
  table('lines', { through: 'kind_id' }),
  table('visits'),
]

async function kindsWorld(tenants: readonly string[]): Promise<World> {
  const plan = { tables, tenants: () => [...tenants], exclude: ['tenants', 'notes'], attempts: 1 }
  return await createWorld({
    ...{ source: `drop table note_lines; ${source}`, target: `drop table note_lines; ${target}` },
    plan,
  })
}

async function findings(world: World): Promise<string[]> {
  const found = await world.rehome.check(world.plan())
  return found.map(({ where, message }) => `${where}: ${message}`)
}

test('rows that the target would refuse are named, with constraint, number and key', async () => {
  await using world = await kindsWorld(['a', 'b'])
  const { pool } = world.source
  // Good rows, a row of a tenant that does not move, and one without a parent.
  await pool.query(`
    insert into kinds values (1, 'a', 'x', 1, 'abc', 'ab', '', 1, '[1,5)', 'one', '1', '{}'),
      (2, 'b', 'x', null, null, null, null, 1, '[5,9)', 'two', '2', null),
      (3, 'c', null, -5, 'abcd', 'abcd', null, 3, '[1,5)', 'ONE', 'long', null);
    insert into parts values (1, 'a', 5), (2, 'b', 10), (2, 'c', 700);
    insert into hashed values (1, 'a'), (2, 'b');
    insert into lines values (1, 1), (3, 5)`)
  expect(await findings(world)).toEqual([])
  await pool.query(`update kinds set area = '2' where id = 1`)
  expect(await findings(world)).toEqual([
    expect.stringMatching(
      /^target table "kinds": 2 rows of "kinds" do not satisfy UNIQUE "one area"/,
    ),
  ])
  await pool.query(`
    update kinds set area = null, pair = row('x', null) where id < 3;
    update kinds set title = null, amount = -1, label = 'TWO' where id = 1;
    update kinds set code = 'toolong', short = 'abc', during = '[4,6)', amount = 5 where id = 2;
    insert into kinds values (4, 'b', 'x', 1, null, null, null, 9, null, 'Two', 'abc', null),
      (5, 'a', 'y', -1, null, null, null, 10, null, null, 'x', null);
    insert into parts values (4, 'a', 2), (5, 'a', 13), (6, 'b', 99), (7, 'b', 10);
    insert into lines values (1, 5), (2, 1), (2, 3)`)
  const found = await findings(world)
  const facts = found.map((text) => text.replace(/ change these rows.*$/, ''))
  const message = (what: string, rows: string) =>
    expect.stringMatching(new RegExp(`${rows} rows of .* do not satisfy ${what}`))
  expect(facts).toHaveLength(14)
  for (const expected of [
    message(
      'NOT NULL of column "title", which the source does not demand of every row, e.g. \\(id\\) = \\(1\\)',
      '1',
    ),
    message('CHECK "rich"', '1'),
    message('"?three"? of (public\\.)?code, the type of "code"', '1'),
    message('"?brief"? of (public\\.)?short', '1'),
    message('UNIQUE "one label"', '2'),
    message('UNIQUE "one pair"', '2'),
    message('EXCLUDE "apart"', '2'),
    message('UNIQUE "one area"', '2'),
    message('character varying\\(3\\) of "area"', '1'),
    message('a partition of "parts" for each row', '1'),
    message('a partition of "parts_2" for each row', '1'),
    message('CHECK "few"', '2'),
    message('CHECK "not five"', '1'),
    message('CHECK "odd ids" .* of partition "parts_1"', '1'),
  ])
    expect(facts).toContainEqual(expected)
})

test('what cannot be tried is noted', async () => {
  await using world = await kindsWorld(['a'])
  const notes = await world.rehome.notes(world.plan())
  const told = notes.map(({ where, message }) => `${where}: ${message}`)
  expect(told).toEqual(
    expect.arrayContaining([
      expect.stringMatching(/"kinds".* alone\): CHECK "good" .*rehome rehearse/),
      expect.stringMatching(/"kinds".*the target computes "made"\): CHECK "made"/),
      expect.stringMatching(/"hashed".*: a partition of "hashed" for each row/),
      expect.stringMatching(/"kinds".*: FOREIGN KEY "in area" \(amount\) to "areas"/),
    ]),
  )
  const made = table('kinds', { transform: (row) => row })
  const plan = world.plan({ tables: [made, ...tables.slice(1)] })
  expect((await world.rehome.notes(plan)).map(({ message }) => message)).toContainEqual(
    expect.stringMatching(/a transform makes the rows\): NOT NULL of column "title"; .*EXCLUDE/),
  )
})

test('an attempt refuses them before its fence, and by one call for all tables', async () => {
  await using world = await kindsWorld(['a'])
  await world.source.pool.query(`
    insert into kinds values (1, 'a', null, 1), (2, 'b', 'x', 2), (3, 'a', 'x', 3)`)
  await using _ = await world.work()
  const run = await runAll(world, ['a'])
  const { moves } = await world.rehome.status(run)
  expect(moves[0]).toMatchObject({
    ...{ phase: 'failed', error_code: 'ROW_REJECTED', failed_phase: 'preflight' },
    error_message: expect.stringMatching(
      /1 rows of "kinds" do not satisfy NOT NULL of column "title"/,
    ),
  })
})
