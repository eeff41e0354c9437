/**
 * Connections to PostgreSQL, and what its errors mean to us.
 *
 * Every session of ours speaks with the same settings, so that the canonical text of a value is the
 * same at both ends: that is what verification compares. Values are never parsed on the way here.
 */
import pg from 'pg'
import { watchPool } from './calls.ts'
import { type ErrorCode, messageOf, RehomeError } from './errors.ts'
import { startupOption } from './quote.ts'
import { noPooler, proveOwnSession, refusesOptions, SharedSession } from './sessions/pooled.ts'
import {
  newerSettings,
  ourSearchPath,
  requiredSettings,
  sessionSettings,
} from './sessions/settings.ts'

export type Pool = pg.Pool
export type Client = pg.ClientBase

export interface PoolOptions {
  url: string
  /** Shown in errors and as `application_name`: `source`, `target`, `control`. */
  name: string
  size?: number
  tls?: 'off' | 'require' | 'verify'
  /**
   * For short calls only: they fail after this time, in ms, and wait for locks for three fifths of
   * it. A transaction that is idle is ended after two fifths: before those give up who wait
   * for its locks. They go on when an attempt has ended. Absent: no limit, and what an attempt has
   * under way ends with it.
   */
  answerMs?: number
  /**
   * The memory that one sort or hash of a session may use, as PostgreSQL writes it. Absent: the
   * server's.
   */
  workMem?: string
}

/** Opens no connection yet. Errors of idle connections are ignored: the next query tells. */
export function createPool(options: PoolOptions): Pool {
  const { answerMs } = options
  const settings = {
    ...sessionSettings,
    ...(answerMs && {
      lock_timeout: `${Math.ceil(answerMs * 0.6)}`,
      idle_in_transaction_session_timeout: `${Math.ceil(answerMs * 0.4)}`,
    }),
    ...(options.workMem && { work_mem: options.workMem }),
  }
  const pool = new pg.Pool({
    connectionString: withoutTlsParameters(options.url, options.name),
    application_name: `rehome ${options.name}`,
    max: options.size ?? 8,
    connectionTimeoutMillis: Math.min(answerMs ?? 10_000, 10_000),
    ...(answerMs && { query_timeout: answerMs }),
    idleTimeoutMillis: 10_000,
    keepAlive: true,
    // A server refuses to start a session with a setting that it does not know.
    onConnect: (client) => settle(client),
    ssl: tlsOf(options.tls ?? 'off'),
    options: startupOptions(settings),
  })
  // Once a pool: its connections lead the same way.
  let proven: Promise<void> | undefined
  const settle = async (client: Client) => {
    if (await setIfOurs(client)) return
    proven ??= proveOwnSession(client, new pg.Client(pool.options))
    await proven.catch((error: unknown) => {
      proven = undefined
      throw error
    })
    await setThose(client, { ...settings, ...newerSettings }, always)
  }
  pool.on('error', () => {})
  pool.on('connect', (client) => client.on('error', () => {}))
  const connectsAgain = (error: unknown) => {
    if (pool.options.options === undefined || !refusesOptions(error)) return false
    pool.options.options = undefined
    return true
  }
  watchPool(pool, { name: options.name, ends: answerMs === undefined, connectsAgain })
  return pool
}

/** Settings with which a session begins, as libpq's `options`. */
export function startupOptions(settings: Readonly<Record<string, string>>): string {
  return Object.entries(settings)
    .map(([name, value]) => startupOption(name, value))
    .join(' ')
}

/** Only where a role or a database has set one of them otherwise. */
export async function setNewerSettings(client: Client): Promise<void> {
  await setThose(client, newerSettings, always)
}

/** After SQL that may have set anything: the role and the settings with which a session begins. */
export async function resetSession(client: Client): Promise<void> {
  await client.query('reset session authorization; reset role; reset all')
  await setThose(client, { ...sessionSettings, ...newerSettings }, always)
}

/**
 * Sets them in a session that has begun with our settings. In another one, where somebody sits in
 * between, it sets nothing and returns false.
 */
async function setIfOurs(client: Client): Promise<boolean> {
  const isOurs = `pg_catalog.current_setting('search_path') operator(pg_catalog.=) $3`
  return (await setThose(client, newerSettings, isOurs)).rows[0].ours
}

const always = '$3::pg_catalog.text is not null'

/**
 * Those that the server knows. Extensions' settings are known once they are loaded. In a session
 * with another search path than ours nothing is found by its name alone.
 */
async function setThose(
  client: Client,
  settings: Readonly<Record<string, string>>,
  condition: string,
): Promise<pg.QueryResult> {
  const text = `select ${condition} as ours, pg_catalog.count(pg_catalog.set_config(w.name, w.value, false))
    from rows from (pg_catalog.unnest($1::pg_catalog.text[]), pg_catalog.unnest($2::pg_catalog.text[]))
      w (name, value)
    where ${condition} and (pg_catalog.current_setting(w.name, true) operator(pg_catalog.<>) w.value
      or w.name operator(pg_catalog.~~) '%.%')`
  const values = [Object.keys(settings), Object.values(settings), ourSearchPath]
  // Types of `pg` lack the limit, in ms: a server that stands still is not waited for.
  const query: pg.QueryConfig & { query_timeout: number } = { text, values, query_timeout: 10_000 }
  return await client.query(query)
}

/** Setting → the value that it has to have in our sessions. */
export const wantedSettings = { ...sessionSettings, ...newerSettings, ...requiredSettings }

/**
 * Settings that a session of ours has otherwise than it asked for: somebody sits in between.
 * `settings`: of `pg_settings`; a server knows some of them only.
 */
export function foreignAmong(settings: Readonly<Record<string, string>>): string[] {
  return Object.entries(wantedSettings)
    .filter(([name]) => !name.startsWith('tcp_') && name in settings)
    .filter(([name, value]) => settings[name] !== value)
    .map(([name]) => name)
}

function tlsOf(tls: 'off' | 'require' | 'verify'): false | { rejectUnauthorized: boolean } {
  return tls === 'off' ? false : { rejectUnauthorized: tls === 'verify' }
}

/** Parameters of a URL that would change what our sessions send, or where they go. */
const foreignParameters =
  /^(options|host|hostaddr|port|dbname|database|user|password|service|client_encoding|replication|binary|query_timeout|(statement|lock|idle_in_transaction_session)_timeout)$/

/**
 * `sslmode` in a URL would override what the plan sets, `options` and the like our settings, and
 * `host` what we call the database: they are refused by name, and not blamed on a pooler later.
 */
function withoutTlsParameters(url: string, name: string): string {
  const parsed = URL.canParse(url) ? new URL(url) : null
  const hosts = /^postgres(?:ql)?:\/\/(?:[^/]*@)?([^/?]*)/.exec(url)?.[1] ?? ''
  if (hosts.includes(',')) {
    throw new RehomeError(
      'SETTING_MISSING',
      `the ${name} URL names several hosts: name the primary`,
    )
  }
  if (parsed === null || !/^postgres(ql)?:$/.test(parsed.protocol)) {
    throw new RehomeError('SETTING_MISSING', `the ${name} URL is not a postgres:// URL`)
  }
  for (const key of [...parsed.searchParams.keys()]) {
    if (/^ssl/i.test(key)) {
      throw new RehomeError(
        'SETTING_MISSING',
        `the ${name} URL has "${key}": set \`tls\` in the plan instead`,
      )
    }
    if (foreignParameters.test(key)) {
      const isPlace = /^(host|hostaddr|port|dbname|database|user|password)$/.test(key)
      const instead = isPlace
        ? 'write it before the `?`'
        : 'our sessions have settings of their own'
      throw new RehomeError('SETTING_MISSING', `the ${name} URL has "?${key}=": ${instead}`)
    }
  }
  return url
}

/** One connection for the length of `work`; it is thrown away if the work failed halfway. */
export async function withClient<T>(pool: Pool, work: (client: Client) => Promise<T>): Promise<T> {
  const client = await pool.connect()
  let broken: unknown = true
  try {
    const result = await work(client)
    broken = false
    return result
  } finally {
    client.release(broken === false ? undefined : true)
  }
}

/** BEGIN … COMMIT on one connection. A failure in between rolls back. */
export function inTransaction<T>(pool: Pool, work: (client: Client) => Promise<T>): Promise<T> {
  return inTransactionOf(pool, 'begin', work)
}

/** Runs work in a transaction with settings: `begin` is one or more statements. */
export function inTransactionOf<T>(
  pool: Pool,
  begin: string,
  work: (client: Client) => Promise<T>,
): Promise<T> {
  return withClient(pool, async (client) => {
    await client.query(begin)
    const result = await work(client)
    await client.query('commit')
    return result
  })
}

/**
 * In a transaction whose locks keep others waiting: the server ends it where we send nothing for
 * 2 s, as a process does that stands still.
 */
export const endsIfIdle = 'set local idle_in_transaction_session_timeout = 2000'

export async function endIfIdle(client: Client): Promise<void> {
  await client.query(endsIfIdle)
}

export function sqlStateOf(error: unknown): string | undefined {
  for (let e = error; e instanceof Error; e = e.cause) {
    if ('code' in e && typeof e.code === 'string') return e.code
  }
  return undefined
}

/** A connection that breaks is an outage, by whatever name the system or a stream calls it. */
const outages =
  /^(08...|57P0[1235]|53300|ECONN\w+|EHOST\w+|ENET\w+|EAI_\w+|E(TIMEDOUT|PIPE|NOTFOUND|NOTCONN|SHUTDOWN|PROTO)|ERR_STREAM_(PREMATURE_CLOSE|DESTROYED|WRITE_AFTER_END))$/
const mayPass = /^(40001|40P01|55P03|57014|53...|58...|25P0[34]|25006)$/

/** Maps a database error to its meaning for a move. A RehomeError is returned as it is. */
export function toRehomeError(error: unknown, where: string): RehomeError {
  if (error instanceof RehomeError) return error
  const state = sqlStateOf(error)
  const text = messageOf(error)
  const as = (code: ErrorCode, message: string, retryable?: boolean) =>
    new RehomeError(code, message, {
      cause: error,
      ...(retryable === undefined ? {} : { retryable }),
      data: state === undefined ? {} : { sqlState: state },
    })
  if (error instanceof SharedSession) return as('ACCESS_DENIED', `${where}: ${text}`)
  if (state === undefined) {
    return isLostConnection(text) ? as('UNREACHABLE', `${where}: ${text}`) : as('UNEXPECTED', text)
  }
  if (state === '08P01' && /startup parameter/.test(text)) {
    return as('ACCESS_DENIED', `${where} takes no session settings (${text}): ${noPooler}`)
  }
  if (outages.test(state)) return as('UNREACHABLE', `${where} is out of reach: ${text}`)
  if (/^(28...|42501|3D000)$/.test(state)) return as('ACCESS_DENIED', `${where}: ${text}`)
  // Of a move that writes while a person has made the whole application read-only.
  if (hintOf(error) === fencedHint) return as('FENCE_HELD', `${where}: ${text}`)
  if (mayPass.test(state)) return as('DATABASE_ERROR', `${where}: ${text}`, true)
  if (state === '23505' || state === '23P01') {
    return as('ID_COLLISION', `${where}: ${withDetail(error, text)}`)
  }
  if (/^(22|23)/.test(state)) return as('ROW_REJECTED', `${where}: ${withDetail(error, text)}`)
  const hidden = /^(42P01|42883)$/.test(state) ? ', or our role may not use its schema' : ''
  return as('DATABASE_ERROR', `${where}: ${text}${hidden}`)
}

/** The hint of a guard that refuses a write. SQLSTATE 25006 alone has other causes, too. */
const fencedHint = 'rehome:fenced'

function hintOf(error: unknown): string | undefined {
  for (let e = error; e instanceof Error; e = e.cause) {
    if (e instanceof pg.DatabaseError) return e.hint
  }
  return undefined
}

function isLostConnection(text: string): boolean {
  return /Connection terminated|Query read timeout|Client has encountered a connection error|timeout expired|timeout exceeded when trying to connect|Client was closed|not queryable/i.test(
    text,
  )
}

/** The key or column it is about, never the whole row: that is the tenant's, not the log's. */
function withDetail(error: unknown, text: string): string {
  if (!(error instanceof pg.DatabaseError)) return text
  const key = error.detail?.startsWith('Key ') ? error.detail : undefined
  const place = error.where?.match(/^COPY [^:]*/m)?.[0]
  return [text, key, place].filter(Boolean).map(messageOf).join(' · ')
}
