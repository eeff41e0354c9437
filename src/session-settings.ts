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

/**
 * Settings that users may change and that stay as the role or the database has them, with the
 * reason. A test holds that each setting of a server that could change what a session means stands
 * in one of these tables.
 */
export const leftSettings: Readonly<Record<string, string>> = {
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
export const leftCategories =
  /^(Query Tuning|Resource Usage|Reporting and Logging|Statistics|Write-Ahead Log|Autovacuum|Vacuuming|Replication|Preset Options|Customized Options)|VACUUM/
