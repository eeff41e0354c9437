/**
 * `recovery`: how long a move of a worker that was killed waits for the next one. The move stands
 * in its drain, because a writer keeps a transaction open, while one worker dies and another looks
 * on. The peer is the same with BullMQ's own time for a job's lock, 30 s.
 */
import type { ChildProcess } from 'node:child_process'
import { performance } from 'node:perf_hooks'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { findRedis } from '../dev/redis/redis.ts'
import { install } from '../src/coordinator/installation.ts'
import { open, type Rehome } from '../src/index.ts'
import { checkPlan } from '../src/plan/check-plan.ts'
import { alternate, type Bench, type BenchStage, figureOf } from './bench.ts'
import { plan } from './recovery/plan.ts'
import { startWorker } from './worker-process.ts'

/** Every one of them, not their median. */
const aim = { of: 'ours', relation: 'at most', limit: 15 } as const

export const recovery: Bench = {
  name: 'recovery',
  summary: "time until a killed worker's move has another worker, by --runs rounds of about 15 s",
  async run(stage) {
    await using redis = await findRedisOrNone(stage)
    await using postgres = await buildPlace(stage, 'postgres', {})
    await using onRedis = redis && (await buildPlace(stage, 'redis', { REDIS_URL: redis.url }))
    const figures = await measure(stage, postgres, 'queue in PostgreSQL')
    return onRedis ? [...figures, ...(await measure(stage, onRedis, 'queue in Redis'))] : figures
  },
}

async function findRedisOrNone(stage: BenchStage) {
  const redis = await findRedis()
  if (!('missing' in redis)) return redis
  stage.tell(`without Redis: ${redis.missing}`)
  return null
}

/** Databases of one installation. */
interface Place extends AsyncDisposable {
  readonly environment: Record<string, string>
  readonly rehome: Rehome
  readonly source: pg.Pool
}

const schema = 'create table items (tenant_id text, id int, primary key (tenant_id, id))'

async function buildPlace(
  { server }: BenchStage,
  name: string,
  redis: Record<string, string>,
): Promise<Place> {
  const urls = { SOURCE_URL: 'source', TARGET_URL: 'target', CONTROL_URL: 'control' }
  const environment = { ...redis, SOURCE_URL: '', TARGET_URL: '', CONTROL_URL: '' }
  for (const [key, role] of Object.entries(urls)) {
    await server.createDatabase(`${name}_${role}`)
    Object.assign(environment, { [key]: server.urlOf(`${name}_${role}`) })
  }
  const [source, target] = [environment.SOURCE_URL, environment.TARGET_URL].map(
    (connectionString) => new pg.Pool({ connectionString, max: 2 }),
  )
  if (!source || !target) throw new Error('there are two ends')
  await Promise.all([source.query(schema), target.query(schema)])
  await target.end()
  const { CONTROL_URL: controlUrl } = environment
  await install({ controlUrl, redisUrl: redis.REDIS_URL, environment }, [checkPlan(plan)])
  const rehome = await open({ environment })
  const end = async () => {
    await Promise.all([rehome.close(), source.end()])
  }
  return { environment, rehome, source, [Symbol.asyncDispose]: end }
}

async function measure(stage: BenchStage, place: Place, what: string) {
  let round = 0
  const killed = (lockMs: string) => async () => {
    round += 1
    return await handOver(place, { tenant: `tenant ${round}`, lockMs, signal: stage.signal })
  }
  stage.tell(`${what}: killing ${stage.runs} workers, and as many with a lock of 30 s`)
  const samples = await alternate(stage, { ours: killed(''), 'lock 30 s': killed('30000') })
  const longest = { ours: [Math.max(...samples.ours)] }
  return [
    figureOf({ what: `${what}: hand-over`, unit: 's', samples, ratio: ['ours', 'lock 30 s'] }),
    figureOf({ what: `${what}: the longest`, unit: 's', samples: longest, aim }),
  ]
}

const file = fileURLToPath(new URL('./recovery/worker.ts', import.meta.url))
const program = ['--import', 'tsx', file]

interface Round {
  readonly tenant: string
  readonly lockMs: string
  readonly signal: AbortSignal
}

/** Seconds from the kill to the next attempt. */
async function handOver(place: Place, { tenant, lockMs, signal }: Round): Promise<number> {
  const { rehome, source, environment } = place
  const env = { ...process.env, ...environment, LOCK_MS: lockMs }
  await source.query('insert into items select $1, g from generate_series(1, 100) g', [tenant])
  const writer = await source.connect()
  const children: ChildProcess[] = []
  try {
    children.push(await startWorker(program, env))
    await writer.query('begin')
    await writer.query('insert into items values ($1, 0)', [tenant])
    const { runId } = await rehome.enqueue(plan, { tenants: [tenant] })
    const moveIs = async (is: { phase?: string; attempt?: number }) => {
      const [move] = (await rehome.status(runId ?? '')).moves
      return is.phase ? move?.phase === is.phase : move?.attempt === is.attempt
    }
    await until(() => moveIs({ phase: 'drain' }), signal)
    children.push(await startWorker(program, env))
    // Somewhere between two renewals of the lock.
    await delay(Math.random() * 5_000)
    const started = performance.now()
    children[0]?.kill('SIGKILL')
    await until(() => moveIs({ attempt: 2 }), signal)
    const seconds = (performance.now() - started) / 1000
    await writer.query('rollback')
    await until(() => moveIs({ phase: 'moved' }), signal)
    return seconds
  } finally {
    writer.release(true)
    for (const child of children) child.kill('SIGKILL')
  }
}

async function until(holds: () => Promise<boolean>, signal: AbortSignal): Promise<void> {
  while (!(await holds())) {
    signal.throwIfAborted()
    await delay(50)
  }
}
