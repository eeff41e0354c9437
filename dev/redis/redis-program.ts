// Finds the program of a Redis server on this system, or installs Debian's.
//
// It starts nothing, and never changes what services the system runs: of Debian's two packages it
// installs the tools, which hold the program itself (one file, that acts by the name it is called
// by), and not the one that would run a service of its own from the next boot on.
// Invariant: a program that it returns has been run, and called itself a Redis server.
import { execFile, spawnSync } from 'node:child_process'
import { access } from 'node:fs/promises'
import { promisify } from 'node:util'
import type { MissingRedis } from './found-redis.ts'

export interface RedisProgram {
  command: string
  argv0?: string
}

const run = promisify(execFile)
const PROGRAMS: RedisProgram[] = [
  { command: 'redis-server' },
  { command: 'valkey-server' },
  { command: 'redis-check-rdb', argv0: 'redis-server' },
]
const INSTALL_MS_MAX = 240_000
const INSTALL = [
  'export DEBIAN_FRONTEND=noninteractive',
  'command -v redis-check-rdb && exit 0',
  'apt-get -q update -o Acquire::Retries=1 -o Acquire::http::Timeout=20',
  'exec apt-get -q install -y --no-install-recommends -o DPkg::Lock::Timeout=120 redis-tools',
].join('\n')

/** The first of the known programs that the PATH has. */
export function findRedisProgram(): RedisProgram | undefined {
  return PROGRAMS.find(isRedis)
}

/** Installs Debian's `redis-tools` where this process is root and there is an apt-get. */
export async function installRedis(): Promise<RedisProgram | MissingRedis> {
  const missing = 'neither redis-server nor valkey-server is on the PATH'
  const hasApt = await access('/usr/bin/apt-get').then(
    () => true,
    () => false,
  )
  if (!hasApt || process.getuid?.() !== 0) return { missing }
  process.stderr.write('Redis is not installed: installing the package redis-tools by apt-get\n')
  try {
    // One at a time: apt-get does not wait for another one that updates its lists.
    const options = { timeout: INSTALL_MS_MAX, cwd: '/' }
    await run('flock', ['/var/cache/apt', 'sh', '-c', INSTALL], options)
  } catch (error) {
    return { missing: `${missing}, and apt-get could not install redis-tools: ${reasonOf(error)}` }
  }
  return findRedisProgram() ?? { missing: `${missing}, even with redis-tools installed` }
}

function isRedis({ command, argv0 }: RedisProgram): boolean {
  const options = { argv0, timeout: 10_000, encoding: 'utf8' } as const
  const { stdout } = spawnSync(command, ['--version'], options)
  return /^(Redis|Valkey) server /i.test(stdout ?? '')
}

function reasonOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error)
  return text.trim().split('\n').slice(-2).join(' ')
}
