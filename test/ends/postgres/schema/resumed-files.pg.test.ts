// Files of schema changes that meet leftovers: statements of an earlier version of
// theirs, settings of the files before them, an invalid index of another session.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { eventually } from '../../../helpers/eventually.ts'
import { openSchemaEnd, type Place, type SchemaEnd } from '../../../helpers/schemas/schema-end.ts'

let at: SchemaEnd
beforeAll(async () => {
  at = await openSchemaEnd()
})
afterAll(() => at[Symbol.asyncDispose]())

async function until(place: Place, query: string): Promise<void> {
  await eventually(async () => expect((await place.query(query)).length).toBeGreaterThan(0))
}

test('a statement put into a transaction that has run is refused, and runs behind it', async () => {
  const place = await at.begin('create table log (what text)')
  const [first, added] = [`insert into log values ('a');`, `insert into log values ('b');`]
  const run = (text: string) =>
    place.run({ 'b.sql': 'create table b ()', 'a.sql': text }, { acceptChanges: true })
  await place.run({ 'a.sql': `begin; ${first} commit;` })
  await expect(run(`begin; ${first} ${added} commit;`)).rejects.toMatchObject({
    code: 'SCHEMA_FILE_CHANGED',
    message: expect.stringMatching(/^"a\.sql", line 1: .* go on with `--accept-changes`$/),
  })
  expect(await place.query(`select to_regclass('b') as b`)).toEqual([{ b: null }])
  await run(`begin; ${first} commit; ${added}`)
  expect(await place.query('select what from log')).toEqual([{ what: 'a' }, { what: 'b' }])
})

test('what a file sets ends with it', async () => {
  const place = await at.begin(
    'create table seen (role text, path text, ms text, own text, z text)',
  )
  const role = `role_of_${place.schema}`
  await place.query(`create role ${role}`)
  const look = `insert into seen select current_user, current_setting('search_path'),
    current_setting('lock_timeout'), coalesce(current_setting('app.own', true), ''),
    current_setting('TimeZone')`
  const sets = `${look}; set search_path = nowhere; set timezone = 'Asia/Tokyo';
    set lock_timeout = 7; set app.own = 'x'; set role ${role};`
  await place.run({ 'a.sql': sets, 'b.sql': look })
  const [before, after] = await place.query('select * from seen')
  expect(after).toEqual(before)
  expect(before).toMatchObject({ ms: '100ms', own: '', z: 'UTC' })
  await place.query(`drop role ${role}`)
})

test('CONCURRENTLY IF NOT EXISTS is not content with an index that another session left invalid', async () => {
  const place = await at.begin(`create table t (id int primary key, n int not null);
    insert into t select g, 0 from generate_series(1, 5) g`)
  const writer = await at.world.source.pool.connect()
  await writer.query(`begin; insert into ${place.schema}.t values (100, 100)`)
  const other = place.query('create unique index concurrently i on t (n)').catch(String)
  await until(place, `select from pg_index where indexrelid = to_regclass('i')`)
  const files = { 'a.sql': 'create index concurrently if not exists i on t (n)' }
  const own = place.run(files, { timing: { concurrentWaitMs: 60_000 } })
  await until(
    place,
    `select from pg_locks where not granted and relation = 't'::regclass
      and mode = 'ShareUpdateExclusiveLock'`,
  )
  await writer.query('rollback')
  writer.release()
  expect(await other).toContain('could not create unique index')
  await own
  const valid = `select indisvalid from pg_index where indexrelid = to_regclass('i')`
  expect(await place.query(valid)).toEqual([{ indisvalid: true }])
})
