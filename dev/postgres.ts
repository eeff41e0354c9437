// Starts PostgreSQL servers for the demonstration and the tests: real ones, none installed.
//
// Not for production: nothing is flushed to disk (`fsync` is off), so the data survive a crash of
// the server but not one of the machine. `settings` overrides whatever a test needs otherwise.
// Invariant: a server listens on 127.0.0.1 only, asks for a random password, ends with this process
// however that ends, and takes its directory with it unless the caller named one.
import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import pg from 'pg'
import { findBinaries, majorOf, systemPostgres } from './postgres-binaries.ts'
import { type DownMode, type Server, type ServerKind, startServer } from './server.ts'
import { type Program, Supervisor } from './supervise.ts'
import {
  makeDirectory,
  makeDirectoryFor,
  serverUser,
  temporaryPath,
  type User,
  writeFor,
} from './unprivileged.ts'

export { systemPostgres }

export interface PostgresOptions {
  /** Says in process lists and directory names what the server is for. */
  name: string
  /** Where to keep the data from one start to the next. Absent: a throw-away directory. */
  directory?: string
  /** Server settings, such as `{ max_connections: 20 }`. They win over those below. */
  settings?: Record<string, string | number>
  /** Other programs than those of the npm package, such as one of `systemPostgres()`. */
  binaries?: { bin: string }
}

export interface PostgresServer extends AsyncDisposable {
  /** `postgres://postgres:...@127.0.0.1:.../postgres`, a superuser's. */
  readonly url: string
  readonly port: number
  /** The server's major version. */
  readonly major: number
  /** The process id of the postmaster; absent while the server is down. */
  readonly pid: number | undefined
  /** Where its data and its log (`postgres.log`) are. */
  readonly directory: string
  urlOf(database: string): string
  createDatabase(name: string, options?: { template?: string }): Promise<void>
  /** Takes the server down, `immediate` (as in a crash) unless told otherwise. Data stay. */
  down(mode?: DownMode): Promise<void>
  up(): Promise<void>
  /** Down and up again, on the same port with the same data. */
  restart(mode?: DownMode): Promise<void>
  /** Ends the server for good and removes a throw-away directory. Idempotent. */
  stop(): Promise<void>
}

const SETTINGS_FILE = 'settings.conf'
const SETTINGS = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  fsync: 'off',
  full_page_writes: 'off',
  max_connections: 200,
  max_prepared_transactions: 20,
  shared_buffers: '128MB',
  timezone: 'UTC',
  log_timezone: 'UTC',
}

/** Where a cluster is, and who runs it. */
interface Cluster {
  bin: string
  major: number
  directory: string
  password: string
  user: User | undefined
}

/** Starts a server and resolves when it answers: about 1 s, of which `initdb` takes two thirds. */
export async function startPostgres(options: PostgresOptions): Promise<PostgresServer> {
  const user = await serverUser()
  const bin = options.binaries?.bin
  const binaries = bin ? { bin, major: await majorOf(bin, user) } : await findBinaries(user)
  const directory = options.directory ?? (await temporaryPath(options.name, user))
  const remove = options.directory === undefined ? [directory] : []
  const supervisor = new Supervisor({ remove, lastSignal: 'SIGQUIT' })
  try {
    await makeDirectory(directory, user)
    const password = await readPassword(directory, user)
    const cluster = { ...binaries, directory, password, user }
    await initialise(cluster, supervisor)
    await configure(cluster, options)
    return new Postgres(cluster, await startServer(kindOf(cluster, supervisor)))
  } catch (error) {
    await supervisor.end('SIGQUIT')
    throw error
  }
}

class Postgres implements PostgresServer {
  readonly #cluster: Cluster
  readonly #server: Server

  constructor(cluster: Cluster, server: Server) {
    this.#cluster = cluster
    this.#server = server
  }

  get url(): string {
    return this.urlOf('postgres')
  }

  get port(): number {
    return this.#server.port
  }

  get major(): number {
    return this.#cluster.major
  }

  get pid(): number | undefined {
    return this.#server.pid
  }

  get directory(): string {
    return this.#cluster.directory
  }

  urlOf(database: string): string {
    return urlOf(this.#cluster.password, this.port, database)
  }

  async createDatabase(name: string, options: { template?: string } = {}): Promise<void> {
    const [database, template] = [name, options.template ?? 'template1'].map(pg.escapeIdentifier)
    // Copying files beats logging pages by half where nothing is flushed.
    const strategy = this.major >= 15 ? 'strategy file_copy' : ''
    await query(this.url, `create database ${database} template ${template} ${strategy}`)
  }

  async down(mode?: DownMode): Promise<void> {
    await this.#server.down(mode)
  }

  async up(): Promise<void> {
    await this.#server.up()
  }

  async restart(mode?: DownMode): Promise<void> {
    await this.#server.restart(mode)
  }

  async stop(): Promise<void> {
    await this.#server.stop()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }
}

function kindOf(cluster: Cluster, supervisor: Supervisor): ServerKind {
  const { directory, password } = cluster
  const places = [
    '-D',
    join(directory, 'data'),
    '-c',
    `config_file=${join(directory, SETTINGS_FILE)}`,
  ]
  return {
    name: 'PostgreSQL',
    supervisor,
    program: (port) => programOf(cluster, 'postgres', [...places, '-p', String(port)]),
    ask: (port) => query(urlOf(password, port, 'postgres'), 'select 1'),
    signals: { fast: 'SIGINT', immediate: 'SIGQUIT' },
  }
}

/** A program of PostgreSQL's, untouched by what PG* variables or locales this process has. */
function programOf(cluster: Cluster, command: string, args: string[]): Program {
  return {
    ...cluster.user,
    command: join(cluster.bin, command),
    args,
    cwd: cluster.directory,
    env: { PATH: process.env.PATH ?? '', LC_ALL: 'C' },
    log: join(cluster.directory, 'postgres.log'),
  }
}

/** Makes the cluster, unless the directory has one. */
async function initialise(cluster: Cluster, supervisor: Supervisor): Promise<void> {
  const data = join(cluster.directory, 'data')
  if (await readText(join(data, 'PG_VERSION'))) return
  await makeDirectoryFor(cluster.user, data)
  const program = programOf(cluster, 'initdb', [
    `--pgdata=${data}`,
    `--pwfile=${join(cluster.directory, 'password')}`,
    '--username=postgres',
    '--auth=scram-sha-256',
    '--encoding=UTF8',
    '--locale=C',
    // Letters beyond ASCII sort and fold alike on every machine, with no locale installed.
    ...(cluster.major >= 17 ? ['--locale-provider=builtin', '--builtin-locale=C.UTF-8'] : []),
    '--no-sync',
    '--no-instructions',
  ])
  const { code, signal } = await supervisor.run(program)
  if (code === 0) return
  throw new Error(`initdb ended with ${code ?? signal}:\n${await readText(program.log)}`)
}

/** Writes the settings of this start. They win over those that the cluster was made with. */
async function configure(cluster: Cluster, { name, settings }: PostgresOptions): Promise<void> {
  const all = { ...SETTINGS, cluster_name: name, ...settings }
  const lines = Object.entries(all).map(([key, value]) => `${key} = ${quote(String(value))}\n`)
  const text = `include 'data/postgresql.conf'\n${lines.join('')}`
  await writeFor(cluster.user, join(cluster.directory, SETTINGS_FILE), text)
}

/** The superuser's password: the directory's own, or a new one stored there. */
async function readPassword(directory: string, user: User | undefined): Promise<string> {
  const path = join(directory, 'password')
  const stored = (await readText(path))?.trim()
  if (stored) return stored
  const password = randomBytes(18).toString('base64url')
  await writeFor(user, path, `${password}\n`)
  return password
}

async function readText(path: string): Promise<string | undefined> {
  return await readFile(path, 'utf8').catch(() => undefined)
}

async function query(url: string, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5_000 })
  client.on('error', () => {})
  try {
    await client.connect()
    await client.query(sql)
  } finally {
    await client.end()
  }
}

function urlOf(password: string, port: number, database: string): string {
  return `postgres://postgres:${password}@127.0.0.1:${port}/${encodeURIComponent(database)}`
}

function quote(value: string): string {
  return `'${value.replaceAll("'", "''").replaceAll('\\', '\\\\')}'`
}
