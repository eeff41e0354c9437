// Old rows stand in logs as JSON, and are read back as they were, also where a type has a cast of
// its own to JSON that nothing reads back.
import { expect, test } from 'vitest'
import { readCatalog } from '../../src/ends/postgres/catalog/read-catalog.ts'
import { wholeRow } from '../../src/ends/postgres/changes/change-log.ts'
import { createDatabase } from '../helpers/database.ts'

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
