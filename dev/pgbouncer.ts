// Starts a PgBouncer in front of a PostgreSQL server, as many applications have one.
//
// It installs nothing: where the system has no PgBouncer, `findPgbouncer` finds none.
// Invariant: it listens on 127.0.0.1 only, and ends with this process however that ends.
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import pg from 'pg'
import { type Server, startServer } from './server.ts'
import { Supervisor } from './supervise.ts'
import { makeDirectory, serverUser, temporaryPath, writeFor } from './unprivileged.ts'

// Debian keeps it where only root's PATH leads.
const PROGRAMS = ['pgbouncer', '/usr/sbin/pgbouncer']

const SETTINGS = {
  listen_addr: '127.0.0.1',
  unix_socket_dir: '',
  auth_type: 'any',
  pool_mode: 'transaction',
  max_client_conn: 200,
  default_pool_size: 20,
}

/** The first of the known programs that is one; absent where none is installed. */
export function findPgbouncer(): string | undefined {
  return PROGRAMS.find((program) => {
    const { stdout } = spawnSync(program, ['--version'], { timeout: 10_000, encoding: 'utf8' })
    return /^pgbouncer /i.test(stdout ?? '')
  })
}

export interface PgbouncerOptions {
  /** The database that it leads to. */
  readonly url: string
  /** Lines of pgbouncer.ini, such as `{ pool_mode: 'session' }`. They win over those above. */
  readonly settings?: Record<string, string | number>
}

/** `url` leads through it to the database of `options.url`, as the same user. */
export async function startPgbouncer(
  program: string,
  options: PgbouncerOptions,
): Promise<AsyncDisposable & { readonly url: string }> {
  const user = await serverUser()
  const directory = await temporaryPath('pgbouncer', user)
  const supervisor = new Supervisor({ remove: [directory], lastSignal: 'SIGKILL' })
  const file = join(directory, 'pgbouncer.ini')
  const ask = async (port: number) => {
    const client = new pg.Client({ connectionString: urlOn(options.url, port) })
    client.on('error', () => {})
    await client.connect()
    await client.query('select 1').finally(() => client.end())
  }
  try {
    await makeDirectory(directory, user)
    const server: Server = await startServer({
      ...{ name: 'PgBouncer', supervisor, ask },
      program: () => ({
        ...{ ...user, command: program, args: [file], cwd: directory },
        log: join(directory, 'pgbouncer.log'),
        env: { PATH: process.env.PATH ?? '' },
      }),
      signals: { fast: 'SIGINT', immediate: 'SIGKILL' },
      prepare: (port) => writeFor(user, file, iniOf(options, port)),
    })
    const url = urlOn(options.url, server.port)
    return { url, [Symbol.asyncDispose]: () => server.stop() }
  } catch (error) {
    await supervisor.end('SIGKILL')
    throw error
  }
}

function iniOf({ url, settings }: PgbouncerOptions, port: number): string {
  const { hostname, port: behind, username, password } = new URL(url)
  const place = `host=${hostname} port=${behind} user=${username} password=${password}`
  const all = { ...SETTINGS, listen_port: port, ...settings }
  const lines = Object.entries(all).map(([key, value]) => `${key} = ${value}\n`)
  return `[databases]\n* = ${place}\n[pgbouncer]\n${lines.join('')}`
}

function urlOn(url: string, port: number): string {
  const through = new URL(url)
  through.port = String(port)
  return through.href
}
