// A command that changes a schema dies at one of its remote calls, and another one ends what it
// began: nothing has run twice, nothing was left out, no invalid index stays.
import { expect } from 'vitest'
import { Life } from '../attempts/life.ts'
import { openSchemaEnd, type Place, type SchemaEnd } from './schema-end.ts'

const before = `create table t (id int primary key, n int not null default 0, m int not null default 0);
  insert into t select g, 0 from generate_series(1, 5) g;
  create index j on t (m); create table log (what text);
  create table p (id int) partition by range (id);
  create table p1 partition of p for values from (0) to (9)`

/** Each would show if it ran twice, or not at all. */
const files = {
  '001.sql': `set lock_timeout = '1s';
    insert into log values ('alone');
    begin;
    update t set n = n + 1 where id = 1;
    insert into log values ('together');
    commit;
    create index concurrently i on t (n);
    drop index concurrently j;
    alter table p detach partition p1 concurrently;`,
  '002.sql': `-- rehome:batches key=id size=2
    update t set m = m + 1;
    insert into log values ('last');`,
}

const state = async ({ query }: Place) => ({
  log: await query('select what from log order by what'),
  rows: await query('select sum(n)::int as n, min(m) as least, max(m) as most from t'),
  indexes: await query(`select c.relname as name, i.indisvalid as valid from pg_index i
    join pg_class c on c.oid = i.indexrelid where i.indrelid = 't'::regclass order by 1`),
  partitions: await query("select from pg_inherits where inhparent = 'p'::regclass"),
  markers: await query(`select count(*)::int, bool_and(done) as done from rehome.schema_statements
    where plan = current_schema()`),
})

const expected = {
  log: [{ what: 'alone' }, { what: 'last' }, { what: 'together' }],
  rows: [{ n: 1, least: 1, most: 1 }],
  indexes: [
    { name: 'i', valid: true },
    { name: 't_pkey', valid: true },
  ],
  partitions: [],
  markers: [{ count: 8, done: true }],
}

/** Looks from outside come at any time, so they are no places. */
const isTimer = (text: string) => /wait_event_type|l\.pid = \$1::int/.test(text)

async function callsOf(at: SchemaEnd): Promise<string[]> {
  const place = await at.begin(before)
  const calls: string[] = []
  const life = new Life(({ moment, text }) => {
    if (!isTimer(text)) calls.push(`${moment} ${text}`)
  })
  await life.live(() => place.run(files))
  expect(await state(place)).toEqual(expected)
  return calls
}

async function dieAt(at: SchemaEnd, number: number): Promise<void> {
  const place = await at.begin(before)
  let met = 0
  const life = new Life(({ text }, self) => {
    if (isTimer(text)) return
    if (met === number) self.die()
    met += 1
  })
  const lived = life.live(() => place.run(files)).catch(() => {})
  await Promise.race([life.died(), lived])
  expect(life.dead).toBe(true)
  await place.run(files, { timing: { concurrentWaitMs: 5_000 } })
  expect(await state(place)).toEqual(expected)
}

/** Dies at the calls that `choose` takes. Returns how many there are. */
export async function dieAtCalls(
  choose: (call: number, calls: number) => boolean,
): Promise<number> {
  await using at = await openSchemaEnd()
  const calls = await callsOf(at)
  for (const [i, call] of calls.entries()) {
    if (!choose(i, calls.length)) continue
    await dieAt(at, i).catch((error: unknown) => {
      throw new Error(`after a death ${call}`, { cause: error })
    })
  }
  return calls.length
}
