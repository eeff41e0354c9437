// Finds a Redis for the demonstration and the tests, or starts one.
//
// `REDIS_URL` names a server that is somebody else's: it is used as it is, with the database number
// that it carries, and never flushed or stopped. All others are throw-away servers of this process.
// Not having one is an answer, not an error: the product runs without Redis, too.
// Invariant: a server started here listens on 127.0.0.1 only, asks for a random password, stores
// nothing, evicts nothing, and ends with this process however that ends.
import { randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { type DownMode, type Server, type ServerKind, startServer } from '../server.ts'
import { Supervisor } from '../supervise.ts'
import { makeDirectory, temporaryPath } from '../unprivileged.ts'
import type { FoundRedis, MissingRedis } from './found-redis.ts'
import { composeRedis } from './redis-compose.ts'
import { findRedisProgram, installRedis, type RedisProgram } from './redis-program.ts'

export type { FoundRedis, MissingRedis }

/** A server of one's own, to be taken down and up at will. What it held is then gone. */
export interface RedisServer extends FoundRedis {
  readonly port: number
  readonly pid: number | undefined
  down(mode?: DownMode): Promise<void>
  up(): Promise<void>
  restart(mode?: DownMode): Promise<void>
}

export interface RedisOptions {
  /** Says in directory names what the server is for. */
  name: string
  /** Lines of redis.conf, such as `{ appendonly: 'yes' }`. They win over those below. */
  settings?: Record<string, string | number>
  /** Default: a random one. Servers of a set know each other's. */
  password?: string
  /** Further arguments of the program, such as `--sentinel`. */
  args?: string[]
}

const SETTINGS = {
  bind: '127.0.0.1',
  save: '""',
  appendonly: 'no',
  'maxmemory-policy': 'noeviction',
  daemonize: 'no',
}

/**
 * A Redis to use: that of `REDIS_URL`; else a program found on the PATH; else the package of a
 * Debian or Ubuntu, where this process may install it; else a container. Says what it installs.
 */
export async function findRedis(): Promise<FoundRedis | MissingRedis> {
  const url = process.env.REDIS_URL
  if (url) return await given(url)
  const program = findRedisProgram() ?? (await installRedis())
  if (!('missing' in program)) return await serve(program, { name: 'redis' })
  const container = await composeRedis(ping)
  if (!('missing' in container)) return container
  return { missing: `${program.missing}; ${container.missing}` }
}

/** Starts a server of one's own. Rejects where no program is installed. */
export async function startRedis(options: RedisOptions): Promise<RedisServer> {
  const program = findRedisProgram()
  if (program) return await serve(program, options)
  throw new Error('neither redis-server nor valkey-server is on the PATH')
}

export function randomPassword(): string {
  return randomBytes(18).toString('base64url')
}

async function given(url: string): Promise<FoundRedis | MissingRedis> {
  const leave = async () => {}
  try {
    await ping(url)
    return { url, origin: 'REDIS_URL', stop: leave, [Symbol.asyncDispose]: leave }
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    return { missing: `the server that REDIS_URL names does not answer: ${reason}` }
  }
}

async function serve(program: RedisProgram, options: RedisOptions): Promise<RedisServer> {
  const directory = await temporaryPath(options.name, undefined)
  const supervisor = new Supervisor({ remove: [directory], lastSignal: 'SIGKILL' })
  try {
    await makeDirectory(directory)
    const password = options.password ?? randomPassword()
    const settings = {
      ...SETTINGS,
      dir: JSON.stringify(directory),
      requirepass: password,
      ...options.settings,
    }
    const lines = Object.entries(settings).map(([key, value]) => `${key} ${value}\n`)
    await writeFile(join(directory, 'redis.conf'), lines.join(''), { mode: 0o600 })
    const urlOf = (port: number) => `redis://:${password}@127.0.0.1:${port}`
    const { args = [] } = options
    const server = await startServer(kindOf({ supervisor, program, directory, args, urlOf }))
    return asRedis(server, urlOf(server.port))
  } catch (error) {
    await supervisor.end('SIGKILL')
    throw error
  }
}

interface Parts {
  supervisor: Supervisor
  program: RedisProgram
  directory: string
  args: string[]
  urlOf(port: number): string
}

function kindOf({ supervisor, program, directory, args, urlOf }: Parts): ServerKind {
  return {
    name: 'Redis',
    supervisor,
    program: (port) => ({
      ...program,
      args: [join(directory, 'redis.conf'), '--port', String(port), ...args],
      cwd: directory,
      log: join(directory, 'redis.log'),
    }),
    ask: (port) => ping(urlOf(port)),
    signals: { fast: 'SIGTERM', immediate: 'SIGKILL' },
  }
}

function asRedis(server: Server, url: string): RedisServer {
  return {
    url,
    origin: 'program',
    port: server.port,
    get pid() {
      return server.pid
    },
    down: (mode) => server.down(mode),
    up: () => server.up(),
    restart: (mode) => server.restart(mode),
    stop: () => server.stop(),
    [Symbol.asyncDispose]: () => server.stop(),
  }
}

/** Rejects unless a Redis answers at `url` at once. */
async function ping(url: string): Promise<void> {
  const redis = new Redis(url, {
    lazyConnect: true,
    connectTimeout: 5_000,
    maxRetriesPerRequest: 0,
    retryStrategy: () => null,
  })
  let cause: Error | undefined
  redis.on('error', (error: Error) => {
    cause = error
  })
  try {
    await redis.connect()
    await redis.ping()
  } catch (error) {
    throw cause ?? error
  } finally {
    redis.disconnect()
  }
}
