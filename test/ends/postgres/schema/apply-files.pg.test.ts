// Schema changes at one end: what is measured, what is tried again, what is refused.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Applied } from '../../../../src/ends/postgres/schema/apply-files.ts'
import { eventually } from '../../../helpers/eventually.ts'
import { openSchemaEnd, type Place, type SchemaEnd } from '../../../helpers/schemas/schema-end.ts'

const tables = `create table t (id int primary key, n int not null default 0);
  insert into t select g, 0 from generate_series(1, 25) g;
  create table log (what text)`
const invalid = `select c.relname as name from pg_index i join pg_class c on c.oid = i.indexrelid
  where not i.indisvalid and c.relnamespace = current_schema()::regnamespace`
const numbers = (applied: readonly Applied[]) =>
  applied.map(({ statement, ran }) => [statement.number, ran ? 'ran' : 'was there'])

let at: SchemaEnd
beforeAll(async () => {
  at = await openSchemaEnd()
})
afterAll(() => at[Symbol.asyncDispose]())

/** Holds what the statement locks until `release`. */
async function holding(schema: string, sql: string) {
  const client = await at.world.source.pool.connect()
  await client.query(`begin; set local search_path = ${schema}; ${sql}`)
  return async () => {
    await client.query('rollback')
    client.release()
  }
}

/** Until the query finds a row. */
async function until(place: Place, query: string): Promise<void> {
  await eventually(async () => expect((await place.query(query)).length).toBeGreaterThan(0))
}

describe('the files of a plan', () => {
  test('run once, and say which locks were held for how long', async () => {
    const place = await at.begin(tables)
    const files = { 'a.sql': "alter table t add a int; insert into log values ('x');" }
    const [added, inserted] = await place.run(files)
    expect(added?.ran).toMatchObject({
      attempts: 1,
      locks: [{ table: `${place.schema}.t`, mode: 'ACCESS EXCLUSIVE' }],
      rows: null,
    })
    expect(added?.ran?.heldMs).toBeLessThan(2_000)
    expect(inserted?.ran).toMatchObject({ rows: 1, locks: [{ mode: 'ROW EXCLUSIVE' }] })
    expect(numbers(await place.run(files))).toEqual([
      [1, 'was there'],
      [2, 'was there'],
    ])
    expect(await place.query('select * from log')).toHaveLength(1)
  })

  test('find what they name by the search path that they set, also when they go on', async () => {
    const place = await at.begin(`${tables}; create schema "${'other place'}"`)
    const text = (more: string) => `set search_path = "other place"; create table u ();${more}`
    await place.run({ 'a.sql': text('') })
    const added = text(' create table v ();')
    await place.run({ 'a.sql': added }, { acceptChanges: true })
    expect(
      await place.query(
        'select "other place".v.*, "other place".u.* from "other place".v, "other place".u',
      ),
    ).toEqual([])
  })

  test('stop at a failing statement, keep what ran before, and go on there', async () => {
    const place = await at.begin(tables)
    const text = (second: string) =>
      `insert into log values ('x'); ${second}; insert into log values ('y')`
    await expect(
      place.run({ 'a.sql': text('alter table nowhere add a int') }),
    ).rejects.toMatchObject({
      code: 'SCHEMA_CHANGE_FAILED',
      message: expect.stringMatching(/"a\.sql", line 1: .*"nowhere" does not exist/),
    })
    expect(place.failed).toHaveLength(1)
    const correct = { 'a.sql': text('alter table t add a int') }
    await expect(place.run(correct)).rejects.toMatchObject({
      code: 'SCHEMA_FILE_CHANGED',
      message: expect.stringContaining('behind statement 1 with `--accept-changes`'),
    })
    expect(numbers(await place.run(correct, { acceptChanges: true }))).toEqual([
      [1, 'was there'],
      [2, 'ran'],
      [3, 'ran'],
    ])
    expect(await place.query('select what from log')).toEqual([{ what: 'x' }, { what: 'y' }])
  })

  test('are refused where a statement that has run was changed, whatever is accepted', async () => {
    const place = await at.begin(tables)
    await place.run({ 'a.sql': "insert into log values ('x')" })
    const changed = { 'a.sql': "insert into log values ('y')", 'b.sql': 'drop table t' }
    await expect(place.run(changed, { acceptChanges: true })).rejects.toMatchObject({
      code: 'SCHEMA_FILE_CHANGED',
      message: expect.stringContaining('a new file'),
    })
    expect(await place.query('select what from log')).toEqual([{ what: 'x' }])
    await expect(place.query('select from t')).resolves.toHaveLength(25)
  })

  test('between BEGIN and COMMIT run together or not at all', async () => {
    const place = await at.begin(tables)
    const text = (last: string) => `begin; insert into log values ('x'); ${last}; commit;`
    await expect(place.run({ 'a.sql': text('drop table nowhere') })).rejects.toThrow('nowhere')
    expect(await place.query('select * from log')).toEqual([])
    expect(numbers(await place.run({ 'b.sql': text('drop table t') }))).toEqual([
      [2, 'ran'],
      [3, 'ran'],
    ])
  })

  test('run under the role that they set', async () => {
    const place = await at.begin(tables)
    const role = `role_of_${place.schema}`
    await place.query(
      `create role ${role}; grant usage, create on schema ${place.schema} to ${role}`,
    )
    await place.run({ 'a.sql': `set role ${role}; create table own (); create table second ();` })
    const owner = `select pg_get_userbyid(relowner) as owner from pg_class where relname = 'second'`
    expect(
      await place.query(`${owner} and relnamespace = '${place.schema}'::regnamespace`),
    ).toEqual([{ owner: role }])
    await place.query(`drop owned by ${role}; drop role ${role}`)
  })
})

describe('a statement whose lock is taken', () => {
  test('is tried again, and waits no longer than the plan says', async () => {
    const place = await at.begin(tables)
    const release = await holding(place.schema, 'lock table t in access share mode')
    const files = { 'a.sql': 'alter table t add a int' }
    const timing = { attempts: 2, lockTimeoutMs: 1_000 }
    const blocker = 'session \\d+ \\(idle in transaction, `begin; .* lock table t in ac.*`\\)'
    await expect(place.run(files, { timing })).rejects.toMatchObject({
      data: { sqlState: '55P03', attempts: 2 },
      message: expect.stringMatching(
        new RegExp(`lock timeout: ${blocker} had the lock, in each of 2 attempts; what ran`),
      ),
    })
    const again = place.run(files, { timing: { attempts: 1_000, lockTimeoutMs: 60_000 } })
    // For long enough to be seen by the looks that measure it.
    const waiting = `select from pg_locks l where not granted and relation = '${place.schema}.t'::regclass
      and waitstart < clock_timestamp() - interval '300 ms'`
    await until(place, waiting)
    await release()
    const [ran] = await again
    expect(ran?.ran?.waitedMs).toBeGreaterThan(0)
    expect(ran?.ran?.heldMs).toBeLessThan(2_000)
  })

  test('excludes another command meanwhile', async () => {
    const place = await at.begin(tables)
    const release = await holding(place.schema, 'lock table t in access share mode')
    const first = place.run(
      { 'a.sql': 'alter table t add a int' },
      { timing: { lockTimeoutMs: 60_000 } },
    )
    const waiting = `select from pg_locks l where not granted and relation = '${place.schema}.t'::regclass`
    await until(place, waiting)
    await expect(place.run({ 'b.sql': 'create table b ()' }, { waitMs: 0 })).rejects.toMatchObject({
      code: 'NOT_ALLOWED_NOW',
      message: expect.stringMatching(/session \d+ \(active, `alter table t add a int`\)/),
    })
    await release()
    await first
  })
})

describe('CONCURRENTLY', () => {
  const create = { 'a.sql': 'create unique index concurrently i on t (n)' }

  test('leaves no invalid index when it fails, and is made again', async () => {
    const place = await at.begin(tables)
    await expect(place.run(create)).rejects.toMatchObject({ data: { sqlState: '23505' } })
    expect(await place.query(invalid)).toEqual([])
    await place.query('update t set n = id')
    expect(numbers(await place.run(create))).toEqual([[1, 'ran']])
  })

  test('removes an invalid index of its name that another tool has left', async () => {
    const place = await at.begin(tables)
    await place.query(create['a.sql']).catch(() => {})
    expect(await place.query(invalid)).toEqual([{ name: 'i' }])
    await place.query('update t set n = id')
    await place.run(create)
    expect(await place.query(invalid)).toEqual([])
  })

  test('waits longer for old transactions than other statements, with the lock that it has', async () => {
    const place = await at.begin(`${tables}; update t set n = id`)
    const release = await holding(place.schema, 'insert into t values (100, 100)')
    const built = place.run(create, { timing: { concurrentWaitMs: 60_000 } })
    const waiting = `select from pg_stat_activity where wait_event_type = 'Lock'
      and query like 'create unique index concurrently%' and datname = current_database()`
    await until(place, waiting)
    const [seen] = await place.query('select clock_timestamp()::text as at')
    // Locks are seen by a session that looks again and again.
    await until(
      place,
      `select from pg_stat_activity where query like '%pg_catalog.pg_locks l%' and state = 'idle'
        and query not like '%pg_stat_activity%' and query_start > '${seen?.at}'
        and datname = current_database()`,
    )
    await release()
    const [ran] = await built
    expect(ran?.ran?.locks).toEqual([
      { table: `${place.schema}.t`, mode: 'SHARE UPDATE EXCLUSIVE' },
    ])
    expect(await place.query(`select current_setting('lock_timeout') as l`)).toEqual([{ l: '0' }])
  })

  test('drops, reindexes, detaches and vacuums, each once', async () => {
    const place = await at.begin(`${tables}; create index j on t (n);
      create table p (id int) partition by range (id);
      create table p1 partition of p for values from (0) to (9)`)
    const text = `drop index concurrently j; reindex index concurrently t_pkey; vacuum t;
      alter table p detach partition p1 concurrently;`
    expect(await place.run({ 'a.sql': text })).toHaveLength(4)
    expect(await place.query('select from p')).toEqual([])
    expect(
      numbers(await place.run({ 'a.sql': text })).every(([, how]) => how === 'was there'),
    ).toBe(true)
  })
})

describe('an UPDATE in batches', () => {
  const backfill = (size: number) => ({
    'a.sql': `-- rehome:batches key=id size=${size}
      update only t as "T" set n = n + 1 where "T".id > 5 or "T".n < 0 -- some
      ;`,
  })

  test('changes the rows of its condition once, each batch in a transaction of its own', async () => {
    const place = await at.begin(tables)
    await place.query('alter table t add x text; update t set x = null')
    const [ran] = await place.run(backfill(10))
    expect(ran?.ran).toMatchObject({ rows: 20, locks: [{ mode: 'ROW EXCLUSIVE' }] })
    const counted = await place.query(
      'select n, count(*)::int, count(distinct xmin::text)::int as tx from t group by n order by n',
    )
    expect(counted).toEqual([
      { n: 0, count: 5, tx: 1 },
      { n: 1, count: 20, tx: 3 },
    ])
  })

  test('stops between two batches, and goes on at the next one', async () => {
    const place = await at.begin(tables)
    const stop = new AbortController()
    const count = 'select count(*)::int from t where n > 0'
    const stopped = place.run(backfill(1), { signal: stop.signal })
    await until(place, 'select from t where n > 0')
    stop.abort()
    await expect(stopped).rejects.toMatchObject({ code: 'STOPPED' })
    expect(Number((await place.query(count))[0]?.count)).toBeLessThan(20)
    await place.run(backfill(1))
    expect(await place.query('select sum(n)::int, max(n) from t')).toEqual([{ sum: 20, max: 1 }])
  })

  test('walks along a key of several columns, of any type', async () => {
    const place =
      await at.begin(`create table u (a text collate "C", b uuid, n int default 0, primary key (a, b));
      insert into u select chr(65 + g % 3) || '''\\', gen_random_uuid() from generate_series(1, 20) g`)
    await place.run({ 'a.sql': '-- rehome:batches key=a,b size=3\nupdate u set n = n + 1' })
    expect(await place.query('select min(n), max(n) from u')).toEqual([{ min: 1, max: 1 }])
  })

  test('removes rows in batches', async () => {
    const place = await at.begin(tables)
    const [ran] = await place.run({
      'a.sql': '-- rehome:batches key=id size=7\ndelete from t where id <> 3',
    })
    expect(ran?.ran?.rows).toBe(24)
  })

  test.each([
    ['n', 'no unique index'],
    ['id,n', 'no unique index'],
    ['nothing', 'no unique index'],
    ['g', 'none generated'],
  ])('is refused for the key "%s"', async (key, reason) => {
    const generated = 'g int not null unique generated always as (id + n) stored'
    const place = await at.begin(`${tables}; alter table t add x int, add ${generated}`)
    const files = { 'a.sql': `-- rehome:batches key=${key}\nupdate t set x = 1` }
    await expect(place.run(files)).rejects.toThrow(reason)
    expect(await place.query('select from t where x = 1')).toEqual([])
  })
})
