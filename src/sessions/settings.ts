/**
 * The settings of our sessions: one place that decides, for each setting of PostgreSQL 13 to 18,
 * whether our sessions set it or leave it as the role or the database has it.
 *
 * Rule: what changes the meaning of a statement or the text of a value, and what ends a session or
 * a transaction, is set by us. What only costs time or space, and what decides whose rights a
 * session has, stays as the database's owner wants it. Settings that only a superuser may change
 * cannot be set by us; `check` reports those among them that would change what a move does.
 */

/** Nothing that others create is found by a name without its schema. */
export const ourSearchPath = 'pg_catalog, pg_temp'

/**
 * Settings that give the same text for the same value at both ends, and no surprise from a role's
 * or database's defaults. Every server from version 13 on knows these.
 */
export const sessionSettings: Readonly<Record<string, string>> = {
  search_path: ourSearchPath,
  // The text of values, and how texts are read.
  TimeZone: 'UTC',
  timezone_abbreviations: 'Default',
  DateStyle: 'ISO, YMD',
  IntervalStyle: 'postgres',
  extra_float_digits: '3',
  bytea_output: 'hex',
  xmlbinary: 'base64',
  xmloption: 'content',
  array_nulls: 'on',
  client_encoding: 'UTF8',
  // How statements are read, and how the catalogue writes names.
  standard_conforming_strings: 'on',
  backslash_quote: 'safe_encoding',
  transform_null_equals: 'off',
  quote_all_identifiers: 'off',
  'plpgsql.extra_errors': 'none',
  'plpgsql.extra_warnings': 'none',
  client_min_messages: 'warning',
  // Which rows a statement sees.
  // An error instead of silently fewer rows where a policy would hide some from us.
  row_security: 'off',
  // An index scan may otherwise return a random part of what was searched for.
  gin_fuzzy_search_limit: '0',
  // What a transaction is.
  default_transaction_isolation: 'read committed',
  default_transaction_read_only: 'off',
  default_transaction_deferrable: 'off',
  // A cutover that a crash undoes would leave the tenant with two homes.
  synchronous_commit: 'on',
  // Tables of ours need row locks and `ctid`, which other access methods may lack.
  default_table_access_method: 'heap',
  // What ends statements, transactions and sessions.
  statement_timeout: '0',
  lock_timeout: '5000',
  idle_in_transaction_session_timeout: '0',
  exit_on_error: 'off',
  // The server gives up a worker whose machine or network is gone, and with it what it locks.
  tcp_keepalives_idle: '10',
  tcp_keepalives_interval: '5',
  tcp_keepalives_count: '3',
  tcp_user_timeout: '30000',
  jit: 'off',
}

/** Further settings, set once a session is there: some servers do not know them. */
export const newerSettings: Readonly<Record<string, string>> = {
  // On all versions. `reset_val` then has the value that other sessions have.
  lc_monetary: 'C',
  // From version 14 on.
  idle_session_timeout: '0',
  // From version 17 on.
  transaction_timeout: '0',
  // From version 17 on, and in later releases of older versions. Plans may read views.
  restrict_nonsystem_relation_kind: '',
}

/** Ours alone cannot be set without a superuser's grant; what a move needs them to be. */
export const requiredSettings: Readonly<Record<string, string>> = {
  session_replication_role: 'origin',
  zero_damaged_pages: 'off',
  ignore_system_indexes: 'off',
}
