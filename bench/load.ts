/**
 * Load on a database by clients in a process of their own: pgbench where there is one, otherwise
 * load-client.ts.
 *
 * A script is one transaction, in the part of pgbench's language that both speak: SQL statements,
 * one a line, `\set name random(a, b)`, `\sleep n ms`, and `:name` inside of statements.
 */
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { systemPostgres } from '../dev/postgres.ts'
import { startupOption } from '../src/quote.ts'
import { cpuOf } from './processes.ts'

const run = promisify(execFile)

export interface Load {
  readonly url: string
  readonly clients: number
  readonly seconds: number
  readonly scripts: readonly string[]
  /** `prepared`: each statement is parsed once a session; `extended`: each time it is run. */
  readonly protocol: 'prepared' | 'extended'
  /** Server settings of the sessions, such as `synchronous_commit`. */
  readonly settings: Readonly<Record<string, string>>
}

export interface LoadResult {
  readonly transactions: number
  /** Transactions a second, without the time for connecting. */
  readonly rate: number
  /** CPU time that the clients' process took; null where it is not known. */
  readonly clientCpuS: number | null
}

export interface LoadProgram {
  readonly name: string
  run(load: Load, signal: AbortSignal): Promise<LoadResult>
}

export const loadNames = ['auto', 'pgbench', 'node'] as const

/** Older ones end a client at the first serialization failure. */
const PGBENCH_MAJOR_MIN = 15

/** Throws where pgbench is asked for, and there is none. */
export async function findLoad(wanted: string): Promise<LoadProgram> {
  if (wanted !== 'node') {
    for (const path of await pgbenchPaths()) {
      const stdout = await run(path, ['--version']).then(
        (result) => result.stdout,
        () => '',
      )
      const name = stdout.trim()
      if (Number(/(\d+)/.exec(name)?.[1]) >= PGBENCH_MAJOR_MIN) return pgbench(path, name)
    }
    if (wanted === 'pgbench') throw new Error(`no pgbench ${PGBENCH_MAJOR_MIN} or newer is here`)
  }
  return { name: 'node, pg', run: measured(runNode) }
}

async function pgbenchPaths(): Promise<string[]> {
  const folders = [
    ...(process.env.PATH ?? '').split(delimiter),
    ...(await systemPostgres()).map(({ bin }) => bin),
  ]
  return folders.map((folder) => join(folder, 'pgbench')).filter((path) => existsSync(path))
}

type Counted = Omit<LoadResult, 'clientCpuS'>
type Runner = (load: Load, signal: AbortSignal) => Promise<Counted>

/** A slice in which nothing was done, as all of it went into connecting, is made longer. */
const SECONDS_MAX = 64

/** One load at a time: the costs of ended children are distinguished only by when they ended. */
function measured(runner: Runner): LoadProgram['run'] {
  return async (load, signal) => {
    for (let seconds = load.seconds; ; seconds *= 2) {
      const before = await cpuOf(process.pid)
      const counted = await runner({ ...load, seconds }, signal)
      const after = await cpuOf(process.pid)
      const clientCpuS = before && after ? after.endedChildrenS - before.endedChildrenS : null
      if (counted.transactions > 0) return { ...counted, clientCpuS }
      if (seconds >= SECONDS_MAX) throw new Error(`no transaction ended within ${seconds} s`)
    }
  }
}

function pgbench(path: string, name: string): LoadProgram {
  return { name, run: measured((load, signal) => runPgbench(path, load, signal)) }
}

async function runPgbench(path: string, load: Load, signal: AbortSignal): Promise<Counted> {
  const folder = await mkdtemp(join(tmpdir(), 'rehome-load-'))
  try {
    const files = load.scripts.map((_, i) => join(folder, `${i}.sql`))
    await Promise.all(files.map((file, i) => writeFile(file, load.scripts[i] ?? '')))
    const args = ['--no-vacuum', '--jobs=1', `--protocol=${load.protocol}`]
    args.push(`--client=${load.clients}`, `--time=${load.seconds}`)
    args.push(...files.map((file) => `--file=${file}`))
    const { stdout } = await run(path, args, { signal, env: environmentOf(load) })
    return parsePgbench(stdout)
  } finally {
    await rm(folder, { recursive: true })
  }
}

/** libpq's variables rather than arguments, which everybody could read in the process list. */
function environmentOf({ url, settings }: Load): NodeJS.ProcessEnv {
  const { hostname, port, username, password, pathname } = new URL(url)
  return {
    PATH: process.env.PATH,
    PGHOST: hostname,
    PGPORT: port,
    PGUSER: decodeURIComponent(username),
    PGPASSWORD: decodeURIComponent(password),
    PGDATABASE: decodeURIComponent(pathname.slice(1)),
    PGOPTIONS: optionsOf(settings),
  }
}

function optionsOf(settings: Load['settings']): string {
  return Object.entries(settings)
    .map(([name, value]) => startupOption(name, value))
    .join(' ')
}

function parsePgbench(text: string): Counted {
  const transactions = /^number of transactions actually processed: (\d+)/m.exec(text)?.[1]
  if (transactions === '0') return { transactions: 0, rate: 0 }
  const rate = /^tps = ([\d.]+) \(without initial connection time\)/m.exec(text)?.[1]
  if (transactions === undefined || rate === undefined) throw new Error(`pgbench said: ${text}`)
  return { transactions: Number(transactions), rate: Number(rate) }
}

async function runNode(load: Load, signal: AbortSignal): Promise<Counted> {
  const tsx = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href
  const client = fileURLToPath(new URL('./load-client.ts', import.meta.url))
  const env = { ...process.env, LOAD: JSON.stringify(load), PGOPTIONS: optionsOf(load.settings) }
  const { stdout } = await run(process.execPath, ['--import', tsx, client], { signal, env })
  return JSON.parse(stdout) as Counted
}
