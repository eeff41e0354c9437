// Old rows stand in logs as JSON, and are read back as they were, also where a type has a cast of
// its own to JSON that nothing reads back.
import { randomUUID } from 'node:crypto'
import { expect, test } from 'vitest'
import { readCatalog } from '../../src/ends/postgres/catalog/read-catalog.ts'
import { wholeRow } from '../../src/ends/postgres/changes/change-log.ts'
import { table } from '../../src/plan/plan.ts'
import { createDatabase } from '../helpers/database.ts'
import { installFence } from '../helpers/fence/install.ts'
import { smallPlan } from '../helpers/small-plan.ts'

const schema = `create extension hstore; create extension citext;
  create domain attributes as hstore; create type box_of as (name text, inside hstore);
  create type plain as (name citext, words text[]);
  create table things (id int primary key, tenant_id text, h hstore, hs hstore[], d attributes,
    b box_of, bs box_of[], p plain, f float8[], j jsonb, t timestamptz, ran int4range, m int4multirange);
  insert into things values
    (1, 'acme', 'a=>1, "b \\" c"=>NULL', array['a=>"x,y"'::hstore, null], 'k=>"v"',
      row('n', 'i=>"{}"')::box_of, array[row(null, 'q=>"''"')::box_of], row('N', '{"a b",NULL}'),
      '{NaN,-Infinity}', '{"a": [1.50]}', '-infinity', '[1,)', '{[1,2),[5,6)}'),
    (2, 'acme', null, '{}', null, null, '{}', null, null, null, null, 'empty', '{}')`

test('every value of an old row is read back as it was', async () => {
  await using database = await createDatabase()
  const { pool } = database
  await pool.query(schema)
  const catalog = await readCatalog(pool, { schema: 'public' }, [])
  const { columns = [] } = catalog.tables.get('things') ?? {}
  const asText = columns.filter(({ castsToJson }) => castsToJson).map(({ name }) => name)
  expect(asText).toEqual(['h', 'hs', 'd', 'b', 'bs'])
  const { rows } = await pool.query(`select r::text as before, o::text as after
    from things r, lateral jsonb_populate_record(null::things, ${wholeRow(asText)}) o order by r.id`)
  expect(rows).toHaveLength(2)
  for (const { before, after } of rows) expect(after).toBe(before)
})

test('a column that is dropped fails no write of a captured tenant', async () => {
  await using database = await createDatabase()
  const { pool, url } = database
  await pool.query(`${schema}; alter table things add touched hstore default 'u=>1'`)
  const plan = smallPlan({
    strategy: 'online',
    tables: [table('things', { transform: (row) => row })],
  })
  await installFence(url, { plan })
  await pool.query(
    `insert into rehome.tenant_flags (scope, tenant_id, mode, token, epoch, move_id, reason,
      retry_after_s, expires_at)
    values ('default', 'acme', 'capturing', $1, $1, $1, 'test', 1, now() + interval '1 hour')`,
    [randomUUID()],
  )
  const writer = await pool.connect()
  await writer.query('update things set f = null where id = 1')
  await pool.query('alter table things drop column h, drop column b')
  await writer.query(`update things set f = '{1}' where id = 1`)
  writer.release()
  await pool.query('delete from things where id = 2')
  const logs = await pool.query<{ name: string }>(
    `select c.oid::regclass::text as name from pg_class c
      where c.relnamespace = 'rehome_log'::regnamespace and c.relkind = 'r'`,
  )
  const { rows } = await pool.query(`select rehome_row from ${logs.rows[0]?.name}
    where rehome_row is not null order by pg_current_xact_id() is null, ctid`)
  const [first, second, third] = rows.map(({ rehome_row }) => rehome_row)
  expect([first.h, first.hs, first.touched]).toEqual([
    '"a"=>"1", "b \\" c"=>NULL',
    '{"\\"a\\"=>\\"x,y\\"",NULL}',
    '"u"=>"1"',
  ])
  expect([second.h, second.hs, second.touched]).toEqual([null, first.hs, first.touched])
  expect([third.h, third.hs, third.touched]).toEqual([null, '{}', first.touched])
})
