/**
 * The session in which schema changes run: one for each database at a time.
 *
 * The session that runs the statements holds the lock that keeps others out. So while a server goes
 * on with a statement of a command that was killed, no other command begins.
 */
import { now, sleep } from '../../../clock.ts'
import { RehomeError } from '../../../errors.ts'
import { type Client, type Pool, resetSession } from '../../../postgres.ts'
import { idents } from '../../../quote.ts'
import type { SqlEnd } from '../../end.ts'

export interface Timing {
  readonly lockTimeoutMs: number
  readonly concurrentWaitMs: number
  readonly attempts: number
  readonly backoffMs: number
}

export interface SchemaSession {
  readonly client: Client
  readonly pid: number
  /** For looks at this session from outside. */
  readonly pool: Pool
  readonly end: SqlEnd
  readonly timing: Timing
  readonly signal: AbortSignal | undefined
}

export interface SessionOptions {
  readonly timing: Timing
  readonly signal?: AbortSignal | undefined
  /** How long to wait for another command. Default 10,000. */
  readonly waitMs?: number
}

/** Throws NOT_ALLOWED_NOW while another session changes the schema of this database. */
export async function withSchemaSession<T>(
  end: SqlEnd,
  { timing, signal, waitMs = 10_000 }: SessionOptions,
  work: (session: SchemaSession) => Promise<T>,
): Promise<T> {
  const client = await end.pool.connect()
  try {
    const { rows } = await client.query('select pg_catalog.pg_backend_pid() as pid')
    await excludeOthers(client, end, { waitMs, signal })
    return await work({ client, pid: rows[0].pid, pool: end.lifeline, end, timing, signal })
  } finally {
    // Its settings, and the lock, end with it.
    client.release(true)
  }
}

/** Each file begins with the role and the settings of ours, whatever the file before it has set. */
export async function beginAnew({ client, end, timing }: SchemaSession): Promise<void> {
  await resetSession(client)
  await client.query(settingsOf(end, timing))
}

/** The server ends what a stopped or killed command has left, instead of keeping its locks. */
function settingsOf({ schema, searchPath = [] }: SqlEnd, { lockTimeoutMs }: Timing): string {
  const path = [schema, ...searchPath.filter((name) => name !== schema)]
  return `set search_path = ${idents(path)}, pg_temp; set lock_timeout = ${lockTimeoutMs};
    set idle_in_transaction_session_timeout = 2000;
    select pg_catalog.set_config(name, '1000', false) from pg_catalog.pg_settings
    where name = 'client_connection_check_interval'`
}

const key = '5139461843215092'
const waitsMs = 250

async function excludeOthers(
  client: Client,
  end: SqlEnd,
  { waitMs, signal }: { waitMs: number; signal: AbortSignal | undefined },
): Promise<void> {
  const until = now() + waitMs
  const query = `select pg_catalog.pg_try_advisory_lock(${key}) as got`
  while (!(await client.query(query)).rows[0].got) {
    if (now() >= until) throw await heldByOther(client, end)
    await sleep(waitsMs, signal)
  }
}

async function heldByOther(client: Client, { name, place }: SqlEnd): Promise<RehomeError> {
  const query = `select a.pid, a.state, left(a.query, 60) as query
    from pg_catalog.pg_locks l join pg_catalog.pg_stat_activity a on a.pid = l.pid
    where l.locktype = 'advisory' and l.granted and l.objsubid = 1 and l.database =
      (select d.oid from pg_catalog.pg_database d where d.datname = pg_catalog.current_database())
      and l.classid::int8 << 32 | l.objid::int8 = ${key}`
  const [other] = (await client.query(query)).rows
  const who = other
    ? `session ${other.pid} (${other.state}, \`${other.query}\`)`
    : 'another session'
  const message =
    `${who} changes the schema of the ${name} (${place}): wait for its end. ` +
    'A statement goes on at the server for up to 1 s after its command was killed'
  return new RehomeError('NOT_ALLOWED_NOW', message)
}
