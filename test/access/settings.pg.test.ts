// What a role or a database sets changes nothing of what our sessions do: each setting that could
// is ours, or stands among those that are left, with the reason.

import { afterAll, beforeAll, expect, test } from 'vitest'
import { readCatalog } from '../../src/ends/postgres/catalog/read-catalog.ts'
import { createPool, setNewerSettings, startupOptions } from '../../src/postgres.ts'
import { newerSettings, requiredSettings, sessionSettings } from '../../src/sessions/settings.ts'
import { openPool } from '../helpers/database.ts'
import { ended, rowsAt } from '../helpers/runs.ts'
import { createWorld, type World } from '../helpers/world.ts'

/**
 * Settings that users may change and that stay as the role or the database has them, with the
 * reason. Each setting of a server that could change what a session means stands here or
 * in a table of the product.
 */
const leftSettings: Readonly<Record<string, string>> = {
  role: 'decides whose rights a session has, which is for the database to say',
  session_authorization: 'decides whose rights a session has, which is for the database to say',
  default_tablespace: 'where tables are stored is for the database to say',
  temp_tablespaces: 'where temporary files are stored is for the database to say',
  default_toast_compression: 'changes how values are stored, not what they are',
  gin_pending_list_limit: 'changes how indexes are stored, not what they find',
  default_text_search_config: "belongs to the plan's own SQL, which runs as the application's does",
  lc_numeric: "belongs to the plan's own SQL: only to_char and to_number use it",
  lc_time: "belongs to the plan's own SQL: only to_char and to_date use it",
  check_function_bodies: 'our functions are checked when they run',
  local_preload_libraries: 'is loaded before a session can say anything',
  application_name: 'is set for each session of ours',
  transaction_deferrable: 'is set by each transaction',
  transaction_isolation: 'is set by each transaction',
  transaction_read_only: 'is set by each transaction',
  synchronize_seqscans: 'rows whose order matters are ordered',
  client_connection_check_interval: 'ends only statements whose client has gone',
  password_encryption: 'we set no passwords',
  scram_iterations: 'we set no passwords',
  createrole_self_grant: 'we create no roles',
  icu_validation_level: 'we create no collations',
  md5_password_warnings: 'only warns',
  escape_string_warning: 'only warns',
  operator_precedence_warning: 'only warns',
  trace_notify: 'only logs',
  trace_sort: 'only logs',
  jit_expressions: 'costs time alone',
  jit_tuple_deforming: 'costs time alone',
  debug_parallel_query: 'costs time alone',
  force_parallel_mode: 'costs time alone',
  debug_logical_replication_streaming: 'is about replication',
  logical_replication_mode: 'is about replication',
}

/** Categories of `pg_settings` that cost time or space alone, or are about other processes. */
const leftCategories =
  /^(Query Tuning|Resource Usage|Reporting and Logging|Statistics|Write-Ahead Log|Autovacuum|Vacuuming|Replication|Preset Options|Customized Options)|VACUUM/

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
