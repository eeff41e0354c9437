/**
 * Everything that the demonstration runs on: two PostgreSQL servers, the control database beside
 * the target, a worker as a process of its own, and Bull Board. All of it ends with this process.
 */
import { mkdtemp } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { type PostgresServer, startPostgres } from '../dev/postgres.ts'
import { Supervisor } from '../dev/supervise.ts'
import { install } from '../src/coordinator/installation.ts'
import { openLibrary, type Rehome } from '../src/coordinator/rehome.ts'

import { startBoard } from '../src/dashboard/start-board.ts'
import { createLog } from '../src/log.ts'
import { checkPlan } from '../src/plan/check-plan.ts'
import { type Seeded, seedSource, seedTarget } from './data/seed.ts'
import onlinePlan from './online-plan.ts'
import plan from './plan.ts'

export interface Stage {
  readonly sourceUrl: string
  readonly targetUrl: string
  readonly seeded: Seeded
  readonly rehome: Rehome
  readonly boardUrl: string
  readonly workerLog: string
  /** Ends everything, the last started first. Idempotent. */
  stop(): Promise<void>
}

type Undo = () => Promise<unknown>

/**
 * Calls `tell` with each step that begins. `ending` may be aborted at any time; then everything is
 * stopped.
 */
export async function setStage(tell: (line: string) => void): Promise<Stage> {
  const undos: Undo[] = []
  const stop = async () => {
    for (const undo of undos.splice(0).reverse()) await undo().catch(() => {})
  }
  try {
    return { ...(await build(tell, undos)), stop }
  } catch (error) {
    await stop()
    throw error
  }
}

async function build(tell: (line: string) => void, undos: Undo[]): Promise<Omit<Stage, 'stop'>> {
  tell('starting two PostgreSQL servers: the source and the target')
  const [source, target] = await Promise.all([server('source', undos), server('target', undos)])
  await Promise.all([
    source.createDatabase('tracker'),
    target.createDatabase('tracker'),
    target.createDatabase('rehome'),
  ])
  const sourceUrl = source.urlOf('tracker')
  const targetUrl = target.urlOf('tracker')
  tell('filling the source with a task tracker of 40 tenants')
  const [seeded] = await Promise.all([seedSource(sourceUrl), seedTarget(targetUrl)])
  const controlUrl = target.urlOf('rehome')
  const environment = { SOURCE_URL: sourceUrl, TARGET_URL: targetUrl, CONTROL_URL: controlUrl }
  tell('installing the control database, the queue, and the fence at both ends')
  await install({ controlUrl, environment }, [plan, onlinePlan].map(checkPlan))
  tell('starting a worker')
  const workerLog = await startWorkerProcess(environment, undos)
  const log = createLog({ level: 'silent' })
  const rehome = await openLibrary({ environment, log, by: 'demo' })
  undos.push(() => rehome.close())
  const board = await startBoard({ rehome, log })
  undos.push(() => board.close())
  return { sourceUrl, targetUrl, seeded, rehome, boardUrl: board.url, workerLog }
}

async function server(name: string, undos: Undo[]): Promise<PostgresServer> {
  const started = await startPostgres({ name })
  undos.push(() => started.stop())
  return started
}

/** The command line's own worker, under a watchdog: it ends with us whatever happens to us. */
async function startWorkerProcess(environment: NodeJS.ProcessEnv, undos: Undo[]): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'rehome-demo-'))
  const log = join(directory, 'worker.log')
  const supervisor = new Supervisor({ remove: [directory], lastSignal: 'SIGTERM' })
  undos.push(() => supervisor.end('SIGTERM'))
  const tsx = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href
  const file = (name: string) => fileURLToPath(new URL(name, import.meta.url))
  await supervisor.start({
    command: process.execPath,
    args: [
      '--import',
      tsx,
      file('../dev/rehome.ts'),
      'worker',
      file('plan.ts'),
      file('online-plan.ts'),
    ],
    env: { ...definedOf(process.env), ...definedOf(environment), LOG_LEVEL: 'info', REDIS_URL: '' },
    log,
  })
  return log
}

function definedOf(environment: NodeJS.ProcessEnv): Record<string, string> {
  const entries = Object.entries(environment)
  return Object.fromEntries(entries.filter((e): e is [string, string] => e[1] !== undefined))
}
