// An UPDATE in batches whose triggers, or keys with ON UPDATE CASCADE, change the key that the
// batches walk along: rows would be met twice, or never.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openSchemaEnd, type SchemaEnd } from '../../../helpers/schemas/schema-end.ts'

const tables = `create table t (id int primary key, n int not null default 0);
  insert into t select g, 0 from generate_series(1, 25) g`
const moving = '-- rehome:batches key=id size=10\nupdate t set n = n + 1000'

let at: SchemaEnd
beforeAll(async () => {
  at = await openSchemaEnd()
})
afterAll(() => at[Symbol.asyncDispose]())

const trigger = (when: string, body: string) =>
  `create function moves() returns trigger language plpgsql as 'begin ${body} end';
  create trigger moves ${when} execute function moves()`

test.each([
  [
    'a trigger before the change',
    trigger('before update on t for each row', 'new.id := new.id + 100; return new;'),
  ],
  [
    'a trigger after the change',
    `delete from t where id = 5; ${trigger(
      'after update on t for each row when (new.id = 25)',
      'update t set id = 5 where id = 25; return null;',
    )}`,
  ],
  [
    'a trigger that brings a later row',
    trigger(
      'after update on t for each statement when (pg_trigger_depth() = 0)',
      'update t set id = -1 where id = 20; return null;',
    ),
  ],
  [
    'a key with ON UPDATE CASCADE',
    'alter table t add unique (n), add foreign key (id) references t (n) on update cascade',
  ],
])('rolls back a batch in which %s gives rows another key', async (_, sql) => {
  const place = await at.begin(tables)
  await place.query(`update t set n = id; ${sql}`)
  await expect(place.run({ 'a.sql': moving })).rejects.toMatchObject({
    code: 'SCHEMA_CHANGE_FAILED',
    message: expect.stringMatching(/rows of "t" got into this batch, or out of it/),
  })
  expect(await place.query('select from t where n >= 2000')).toEqual([])
})

test('is divided where its triggers leave the key as it is', async () => {
  const place = await at.begin(tables)
  await place.query(`alter table t add changed timestamptz;
    create function touch() returns trigger language plpgsql as
      'begin new.changed := now(); return new; end';
    create trigger touch before update on t for each row execute function touch()`)
  await place.run({ 'a.sql': moving })
  expect(await place.query('select from t where n = 1000 and changed is not null')).toHaveLength(25)
})
