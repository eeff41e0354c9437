/**
 * `backlog`: what a run of many tenants costs those who enqueue it, look at it, and look after it.
 * The tenants are real ones, and nothing moves; as many of a run before have moved. Looks are those
 * of the product, at the control database and at the source.
 */
import { execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { promisify } from 'node:util'
import { Redis } from 'ioredis'
import { compileProgram } from '../dev/compiled-program.ts'
import { findRedis } from '../dev/redis/redis.ts'
import { anyPlace, movesToAudit, openMoves } from '../src/control/due-moves.ts'
import { takeNextMoves } from '../src/control/fleet/next-moves.ts'
import { advanceRuns } from '../src/coordinator/advance-runs.ts'
import { closeEnds, install, openEnds } from '../src/coordinator/installation.ts'
import { type Library, openLibrary } from '../src/coordinator/rehome.ts'
import { type Ends, sharedEnds } from '../src/ends/end.ts'
import { checkPlan, fingerprintOf } from '../src/plan/check-plan.ts'
import { addJobs } from '../src/queue/jobs.ts'
import { reap } from '../src/stages/reap.ts'
import { addHistory } from './backlog/history.ts'
import { plan as planInput } from './backlog/plan.ts'
import { type Bench, type BenchStage, type Figure, figureOf } from './bench.ts'
import { openPool } from './server.ts'

export const backlog: Bench = {
  name: 'backlog',
  tenants: 1_000_000,
  summary: 'enqueueing --tenants, and every look at them and after them',
  async run(stage) {
    const redis = await findRedis()
    await using _redis = 'missing' in redis ? undefined : redis
    const redisUrl = 'missing' in redis ? '' : redis.url
    if (redisUrl === '') stage.tell('without Redis: the queue is in the control database')
    const environment = await buildPlace(stage, redisUrl)
    stage.tell(`enqueueing ${stage.tenants} tenants`)
    const enqueued = await enqueue(environment)
    await using rehome = await openLibrary({ environment })
    const databases = {
      control: openPool(environment.CONTROL_URL),
      source: openPool(environment.SOURCE_URL),
    }
    stage.tell(`simulating ${stage.tenants} tenants that have moved`)
    await addHistory(databases, stage.tenants)
    const size = await sizeOf(databases.control)
    stage.tell('looking')
    const looks = await measureLooks(stage, { rehome, ...enqueued, environment })
    await Promise.all([databases.control.end(), databases.source.end()])
    const jobs =
      redisUrl === '' ? [] : [one('a waiting job', 'bytes', await jobSize(rehome, redisUrl))]
    return [
      ...enqueueFigures(enqueued),
      ...looks,
      one('a move in the control database', 'bytes', size),
      ...jobs,
    ]
  },
}

type Environment = Record<'SOURCE_URL' | 'TARGET_URL' | 'CONTROL_URL' | 'REDIS_URL', string>

async function buildPlace({ server, tenants, tell }: BenchStage, redisUrl: string) {
  tell(`making a source with ${tenants} tenants`)
  for (const name of ['source', 'target', 'control']) await server.createDatabase(name)
  const environment: Environment = {
    SOURCE_URL: server.urlOf('source'),
    TARGET_URL: server.urlOf('target'),
    CONTROL_URL: server.urlOf('control'),
    REDIS_URL: redisUrl,
  }
  for (const url of [environment.SOURCE_URL, environment.TARGET_URL]) {
    const pool = openPool(url)
    await pool.query('create table accounts (tenant_id text primary key, name text)')
    if (url === environment.SOURCE_URL) {
      await pool.query(
        `insert into accounts select 'tenant' || lpad(g::text, 8, '0'), 'name'
          from generate_series(1, $1::int) g`,
        [tenants],
      )
      await pool.query('vacuum analyze')
    }
    await pool.end()
  }
  const settings = { controlUrl: environment.CONTROL_URL, redisUrl, environment }
  await install(settings, [checkPlan(planInput)])
  return environment
}

interface Enqueued {
  readonly runId: string
  readonly tenants: number
  readonly seconds: number
  readonly peakMb: number
}

async function enqueue(environment: Environment): Promise<Enqueued> {
  await using program = await compileProgram('bench/backlog/enqueue.ts')
  const env = { ...process.env, ...environment }
  const { stdout } = await promisify(execFile)(process.execPath, [program.file], { env })
  return JSON.parse(stdout)
}

function one(what: string, unit: string, value: number, limit?: number): Figure {
  const aim =
    limit === undefined ? undefined : ({ of: 'rehome', relation: 'at most', limit } as const)
  return figureOf({ what, unit, samples: { rehome: [value] }, ...(aim && { aim }) })
}

function enqueueFigures({ seconds, peakMb }: Enqueued): Figure[] {
  return [one('enqueue', 's', seconds, 300), one('memory of enqueue', 'MB', peakMb, 300)]
}

interface Place {
  readonly rehome: Library
  readonly runId: string
  readonly tenants: number
  readonly environment: Environment
}

async function measureLooks(stage: BenchStage, place: Place): Promise<Figure[]> {
  const plan = checkPlan(planInput)
  const ends = sharedEnds(openEnds(plan, place.environment))
  const figures: Figure[] = []
  for (const { what, look, aimMs } of looksAt(place, ends)) {
    await look()
    const times: number[] = []
    for (let round = 0; round < stage.runs; round += 1) {
      stage.signal.throwIfAborted()
      const begun = performance.now()
      await look()
      times.push(performance.now() - begun)
    }
    const aim = aimMs && ({ of: 'rehome', relation: 'at most', limit: aimMs } as const)
    figures.push(figureOf({ what, unit: 'ms', samples: { rehome: times }, ...(aim && { aim }) }))
  }
  await closeEnds(ends)
  return figures
}

interface Look {
  readonly what: string
  readonly look: () => Promise<unknown>
  readonly aimMs?: number
}

function looksAt({ rehome, runId, tenants }: Place, ends: Ends): Look[] {
  const { control } = rehome
  const plan = checkPlan(planInput)
  const fingerprint = fingerprintOf(plan)
  const middle = `past${String(Math.ceil(tenants / 2)).padStart(8, '0')}`
  return [
    { what: 'status: a run that waits', look: () => rehome.overview(runId), aimMs: 50 },
    { what: 'status: a run that has moved', look: () => rehome.overview('past'), aimMs: 50 },
    { what: 'all runs', look: () => rehome.runs(), aimMs: 50 },
    { what: 'first page of 100 tenants', look: () => rehome.tenants(runId), aimMs: 50 },
    {
      ...{ what: 'a page from the middle', aimMs: 50 },
      look: () => rehome.tenants('past', { after: middle }),
    },
    {
      ...{ what: 'failed tenants', aimMs: 50 },
      look: () => rehome.tenants('past', { phase: 'failed' }),
    },
    {
      ...{ what: '`rehome status RUN`', aimMs: 50 },
      look: () => rehome.statusPage('past', { after: middle, limit: 100 }),
    },
    { what: 'notices', look: () => rehome.notices(runId) },
    { what: 'feeder', look: () => takeNextMoves(control, runId), aimMs: 50 },
    {
      ...{ what: 'reconcile', aimMs: 50 },
      look: async () => {
        const after = await anyPlace(control)
        await openMoves(control, { untouchedMs: 5_000, after, fingerprints: [fingerprint] })
      },
    },
    {
      ...{ what: 'audits that are due', aimMs: 50 },
      look: () => movesToAudit(control, { name: plan.name, fingerprint }, 86_400_000),
    },
    { what: 'reaper', look: () => reap(plan.scope, ends, control), aimMs: 50 },
    {
      what: 'waves',
      look: async () => {
        await control.pool.query(`update rehome_control.installation set waves_due_at = now()`)
        await advanceRuns(rehome, { everyMs: 0, onError: fail })
      },
    },
    { what: 'metrics', look: () => rehome.metrics() },
  ]
}

function fail(error: unknown): never {
  throw error
}

async function sizeOf(pool: ReturnType<typeof openPool>): Promise<number> {
  const query = `select (pg_database_size(current_database())
    / (select count(*) from rehome_control.moves))::float8 as bytes`
  return (await pool.query(query)).rows[0].bytes
}

/** In the memory of Redis. */
async function jobSize({ queues }: Library, url: string): Promise<number> {
  const redis = new Redis(url)
  const used = async () => Number(/^used_memory:(\d+)/m.exec(await redis.info('memory'))?.[1])
  const moves = Array.from({ length: 10_000 }, () => ({
    id: randomUUID(),
    run_id: 'backlog-00000000',
    tenant_id: randomUUID(),
    errand: 'move' as const,
    generation: 0,
  }))
  const before = await used()
  await addJobs(queues, { attempts: 3, backoff_ms: 1_000, priority: 'normal' }, moves)
  const bytes = ((await used()) - before) / moves.length
  redis.disconnect()
  return bytes
}
