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
import { newerSettings, requiredSettings, sessionSettings } from './session-settings.ts'

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
   * it. A transaction that says nothing is ended after two fifths: before those give up who wait
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
    onConnect: (client) => setNewerSettings(client),
    ssl: tlsOf(options.tls ?? 'off'),
    options: startupOptions(settings),
  })
  pool.on('error', () => {})
  pool.on('connect', (client) => client.on('error', () => {}))
  watchPool(pool, { name: options.name, ends: answerMs === undefined })
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
  const text = `select set_config(w.name, w.value, false)
    from unnest($1::text[], $2::text[]) w (name, value)
    where current_setting(w.name, true) <> w.value`
  const values = [Object.keys(newerSettings), Object.values(newerSettings)]
  // Types of `pg` lack the limit, in ms: a server that stands still is not waited for.
  const query = { text, values, query_timeout: 10_000 }
  await client.query(query as pg.QueryConfig)
}

/** Setting → the value that it has to have in our sessions. */
export const wantedSettings = { ...sessionSettings, ...newerSettings, ...requiredSettings }

/**
 * Settings that a session of ours has otherwise than it asked for: somebody sits in between.
 * `found`: of `pg_settings`; a server knows some of them only.
 */
export function foreignAmong(found: Readonly<Record<string, string>>): string[] {
  return Object.entries(wantedSettings)
    .filter(([name]) => !name.startsWith('tcp_') && name in found)
    .filter(([name, value]) => found[name] !== value)
    .map(([name]) => name)
}

function tlsOf(tls: 'off' | 'require' | 'verify'): false | { rejectUnauthorized: boolean } {
  return tls === 'off' ? false : { rejectUnauthorized: tls === 'verify' }
}

/**
 * `sslmode` in a URL would override what the plan says, `options` our settings, and `host` what we
 * call the database: they are refused.
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
    if (/^(options|host|hostaddr|port|dbname|user|password)$/.test(key)) {
      const instead =
        key === 'options' ? 'our sessions have settings of their own' : 'write it before the `?`'
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
 * In a transaction whose locks keep others waiting: the server ends it where we say nothing for
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

/** The advice where session settings do not arrive. */
export const noPooler = 'connect to PostgreSQL itself, not to a pooler in transaction mode'

const outages =
  /^(08...|57P0[1235]|53300|ECONN\w+|ETIMEDOUT|EPIPE|EHOSTUNREACH|ENETUNREACH|ENOTFOUND|EAI_AGAIN)$/
const mayPass = /^(40001|40P01|55P03|57014|53...|58...|25P03)$/

/** Maps a database error to its meaning for a move. A RehomeError is returned as it is. */
export function explain(error: unknown, where: string): RehomeError {
  if (error instanceof RehomeError) return error
  const state = sqlStateOf(error)
  const text = messageOf(error)
  const as = (code: ErrorCode, message: string, retryable?: boolean) =>
    new RehomeError(code, message, {
      cause: error,
      ...(retryable === undefined ? {} : { retryable }),
      data: state === undefined ? {} : { sqlState: state },
    })
  if (state === undefined) {
    return isLostConnection(text) ? as('UNREACHABLE', `${where}: ${text}`) : as('UNEXPECTED', text)
  }
  if (state === '08P01' && /startup parameter/.test(text)) {
    return as('ACCESS_DENIED', `${where} takes no session settings (${text}): ${noPooler}`)
  }
  if (outages.test(state)) return as('UNREACHABLE', `${where} is out of reach: ${text}`)
  if (/^(28...|42501|3D000)$/.test(state)) return as('ACCESS_DENIED', `${where}: ${text}`)
  if (mayPass.test(state)) return as('DATABASE_ERROR', `${where}: ${text}`, true)
  // Of a move that writes while a person has made the whole application read-only.
  if (hintOf(error) === fencedHint) return as('FENCE_HELD', `${where}: ${text}`)
  if (state === '23505' || state === '23P01') {
    return as('ID_COLLISION', `${where}: ${withDetail(error, text)}`)
  }
  if (/^(22|23)/.test(state)) return as('ROW_REJECTED', `${where}: ${withDetail(error, text)}`)
  return as('DATABASE_ERROR', `${where}: ${text}`)
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
