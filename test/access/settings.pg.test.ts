// What a role or a database sets changes nothing of what our sessions do: each setting that could
// is ours, or stands among those that are left, with the reason.

import { afterAll, beforeAll, expect, test } from 'vitest'
import { readCatalog } from '../../src/ends/postgres/catalog/read-catalog.ts'
import { createPool, setNewerSettings, startupOptions } from '../../src/postgres.ts'
import {
  leftCategories,
  leftSettings,
  newerSettings,
  requiredSettings,
  sessionSettings,
} from '../../src/session-settings.ts'
import { openPool } from '../helpers/database.ts'
import { ended, rowsAt } from '../helpers/runs.ts'
import { createWorld, type World } from '../helpers/world.ts'

/** A value that would do harm, for each setting of ours that a role or a database may have. */
const hostile: Readonly<Record<string, string>> = {
  search_path: 'public',
  TimeZone: 'Pacific/Chatham',
  timezone_abbreviations: 'Australia',
  DateStyle: 'SQL, DMY',
  IntervalStyle: 'iso_8601',
  extra_float_digits: '-15',
  bytea_output: 'escape',
  xmlbinary: 'hex',
  xmloption: 'document',
  lc_monetary: 'POSIX',
  array_nulls: 'off',
  client_encoding: 'LATIN1',
  standard_conforming_strings: 'off',
  backslash_quote: 'off',
  transform_null_equals: 'on',
  quote_all_identifiers: 'on',
  'plpgsql.extra_errors': 'all',
  'plpgsql.extra_warnings': 'all',
  client_min_messages: 'debug5',
  row_security: 'on',
  gin_fuzzy_search_limit: '1',
  default_transaction_isolation: 'serializable',
  default_transaction_read_only: 'on',
  default_transaction_deferrable: 'on',
  synchronous_commit: 'off',
  statement_timeout: '1',
  lock_timeout: '1',
  idle_in_transaction_session_timeout: '1',
  exit_on_error: 'on',
  // These two hold until a session has said its first word.
  idle_session_timeout: '1000',
  transaction_timeout: '1000',
  restrict_nonsystem_relation_kind: 'view, foreign-table',
  tcp_keepalives_idle: '1',
  tcp_keepalives_interval: '1',
  tcp_keepalives_count: '1',
  tcp_user_timeout: '1',
  jit: 'on',
}

let world: World
beforeAll(async () => {
  world = await createWorld({ plan: { strategy: 'online', pause: { budgetMs: 60_000 } } })
  await world.addTenant('acme', 30)
})
afterAll(async () => await world[Symbol.asyncDispose]())

test('every setting of this server that could change what a session means is decided', async () => {
  const query = `select name, category from pg_settings where context in ('user', 'superuser')`
  const { rows } = await world.source.pool.query(query)
  const decided = { ...sessionSettings, ...newerSettings, ...requiredSettings, ...leftSettings }
  const superusers = await world.source.pool.query(
    `select name from pg_settings where context = 'superuser'`,
  )
  const theirs = new Set(superusers.rows.map(({ name }) => name))
  const open = rows.filter(({ name, category }) => {
    return !theirs.has(name) && !leftCategories.test(category) && !Object.hasOwn(decided, name)
  })
  expect(open).toEqual([])
})

test('each of ours has a hostile value to be tried with', () => {
  const names = [...Object.keys(sessionSettings), ...Object.keys(newerSettings)]
  const without = names.filter((name) => !Object.hasOwn(hostile, name))
  // A server without another access method has nothing to be set to.
  expect(without).toEqual(['default_table_access_method'])
})

test('a tenant moves equal whatever the databases set, and comes back', async () => {
  for (const { pool, name } of [world.source, world.target, world.control]) {
    const client = await pool.connect()
    for (const [setting, value] of Object.entries(hostile)) {
      const quoted = setting.includes('.') ? setting : `"${setting.toLowerCase()}"`
      const set = `set ${quoted} to '${value}'`
      await client.query(`alter database ${name} ${set}`)
      await client.query(`alter role current_user in database ${name} ${set}`)
    }
    client.release()
  }
  const pool = createPool({ url: world.source.url, name: 'source', size: 1 })
  try {
    expect((await readCatalog(pool, { schema: 'public' }, [])).foreignSettings).toEqual([])
  } finally {
    await pool.end()
  }
  expect(await world.rehome.check(world.plan())).toEqual([])
  await using _worker = await world.work()
  await using ends = calmEnds()
  const before = await rowsAt(ends, 'source', 'acme')
  const { runId } = await world.rehome.enqueue(world.plan(), { tenants: ['acme'] })
  const outcome = async () => (await ended(world, runId)).get('acme')
  expect(await outcome()).toMatchObject({ error_message: null, phase: 'moved' })
  expect(await rowsAt(ends, 'target', 'acme')).toEqual(before)
  await world.rehome.rollback(runId ?? '', { tenants: ['acme'] })
  expect(await outcome()).toMatchObject({ error_message: null, phase: 'rolled_back' })
  expect(await rowsAt(ends, 'source', 'acme')).toEqual(before)
})

/** The ends by sessions that no role and no database troubles, as the test's own. */
function calmEnds(): World & AsyncDisposable {
  const options = startupOptions({ ...sessionSettings, search_path: 'public' })
  const [source, target] = [world.source, world.target].map(({ url }) => {
    return openPool(url, { options, onConnect: setNewerSettings, max: 2 })
  })
  const end = async () => void (await Promise.all([source?.end(), target?.end()]))
  const ends = { source: { pool: source }, target: { pool: target }, [Symbol.asyncDispose]: end }
  return ends as unknown as World & AsyncDisposable
}
