/** A source, a target and a control database with tenants to move, and workers for them. */
import type { ChildProcess } from 'node:child_process'
import { performance } from 'node:perf_hooks'
import { setTimeout as delay } from 'node:timers/promises'
import type pg from 'pg'
import { type CompiledProgram, compileProgram } from '../../dev/compiled-program.ts'
import { install } from '../../src/coordinator/installation.ts'
import { open } from '../../src/index.ts'
import { checkPlan } from '../../src/plan/check-plan.ts'
import type { BenchStage } from '../bench.ts'
import { cpuOf, cpuOfFamily, peakMemoryOf } from '../processes.ts'
import { openPool } from '../server.ts'
import { startWorker } from '../worker-process.ts'
import { cohortSchema, moveInCohorts } from './cohort.ts'
import { moveNaively } from './naive.ts'
import { plan, schema, seedStatements } from './plan.ts'

export interface FleetPlace extends AsyncDisposable {
  /** Moves as many new tenants by the naive script. */
  naively(): Promise<Fleet>
  /** Moves as many new tenants in cohorts of this size, by the prototype. */
  inCohorts(size: number): Promise<Fleet>
  /** Moves as many new tenants by so many workers, which have moved some before. */
  byWorkers(workers: number): Promise<Fleet>
}

/** Costs of one fleet, most of them for one tenant; null where they are not known. */
export interface Fleet {
  readonly tenantsPerS: number
  readonly workerMs: number | null
  readonly serverMs: number | null
  /** Sorted. */
  readonly pauses: readonly number[]
  readonly controlBytes: number | null
  readonly peakMb: number | null
}

interface Parts {
  readonly stage: BenchStage
  readonly environment: Record<string, string>
  readonly program: CompiledProgram
  readonly pools: Readonly<Record<'source' | 'control', pg.Pool>>
  /** Names for tenants that were not there before. */
  nextTenants(count: number): Promise<string[]>
}

/** `redisUrl` empty: the queue is in the control database. */
export async function buildFleet(
  stage: BenchStage,
  { name, redisUrl }: { readonly name: string; readonly redisUrl: string },
): Promise<FleetPlace> {
  const { server } = stage
  const environment: Record<string, string> = { REDIS_URL: redisUrl }
  for (const role of ['source', 'target', 'control']) {
    await server.createDatabase(`${name}_${role}`)
    environment[`${role.toUpperCase()}_URL`] = server.urlOf(`${name}_${role}`)
  }
  const pools = {
    source: openPool(server.urlOf(`${name}_source`)),
    target: openPool(server.urlOf(`${name}_target`)),
    control: openPool(server.urlOf(`${name}_control`)),
  }
  await Promise.all([pools.source.query(schema), pools.target.query(schema)])
  await pools.source.query('create table naive_flags (tenant text primary key)')
  await pools.control.query(cohortSchema)
  const { CONTROL_URL: controlUrl = '' } = environment
  await install({ controlUrl, redisUrl, environment }, [checkPlan(plan)])
  const program = await compileProgram('bench/fleet/worker.ts')
  let batch = 0
  const nextTenants = async (count: number) => {
    batch += 1
    const tenants = Array.from({ length: count }, (_, i) => `${batch}-${i}`)
    for (const statement of seedStatements) await pools.source.query(statement, [tenants])
    await pools.source.query('analyze')
    return tenants
  }
  const parts: Parts = { stage, environment, program, pools, nextTenants }
  return {
    naively: () => byScript(parts, (urls, tenants) => moveNaively(urls, tenants)),
    inCohorts: (size) => byScript(parts, (urls, tenants) => moveInCohorts(urls, tenants, size)),
    byWorkers: (workers) => byWorkers(parts, workers),
    async [Symbol.asyncDispose]() {
      await program[Symbol.asyncDispose]()
      await Promise.all(Object.values(pools).map((pool) => pool.end()))
    },
  }
}

type Script = (
  urls: Readonly<Record<'source' | 'target' | 'control', string>>,
  tenants: readonly string[],
) => Promise<number[]>

/** In this process. */
async function byScript(parts: Parts, script: Script): Promise<Fleet> {
  const { stage, environment, nextTenants } = parts
  const tenants = await nextTenants(stage.tenants)
  const {
    SOURCE_URL: source = '',
    TARGET_URL: target = '',
    CONTROL_URL: control = '',
  } = environment
  const cpu = await costsOf(stage, [])
  const own = process.cpuUsage()
  const started = performance.now()
  const pauses = await script({ source, target, control }, tenants)
  const seconds = (performance.now() - started) / 1000
  const { user, system } = process.cpuUsage(own)
  const { serverMs } = await cpu.since(tenants.length)
  return {
    tenantsPerS: tenants.length / seconds,
    workerMs: (user + system) / 1000 / tenants.length,
    serverMs,
    pauses: pauses.sort((a, b) => a - b),
    controlBytes: null,
    peakMb: null,
  }
}

/** Tenants that move before the measurement: connections and schemas are known by then. */
const warmUp = 16

async function byWorkers(parts: Parts, count: number): Promise<Fleet> {
  const { stage, environment, program, pools, nextTenants } = parts
  const workers: ChildProcess[] = []
  const rehome = await open({ environment })
  const move = async (tenants: readonly string[]) => {
    const { runId } = await rehome.enqueue(plan, { tenants: [...tenants] })
    await ended(pools.control, runId ?? '', stage.signal)
    return runId
  }
  try {
    const env = { ...process.env, ...environment }
    for (let i = 0; i < count; i += 1) workers.push(await startWorker([program.file], env))
    await move(await nextTenants(warmUp * count))
    const tenants = await nextTenants(stage.tenants)
    const bytes = await controlBytes(pools.control)
    const cpu = await costsOf(stage, workers)
    const started = performance.now()
    const runId = await move(tenants)
    const seconds = (performance.now() - started) / 1000
    const costs = await cpu.since(tenants.length)
    const grown = (await controlBytes(pools.control)) - bytes
    return {
      tenantsPerS: tenants.length / seconds,
      ...costs,
      pauses: await pausesOf(pools.control, runId ?? ''),
      controlBytes: grown / tenants.length,
      peakMb: await largestMemory(workers),
    }
  } finally {
    for (const worker of workers) worker.kill('SIGKILL')
    await rehome.close()
  }
}

async function ended(control: pg.Pool, run: string, signal: AbortSignal): Promise<void> {
  const query = `select count(*) filter (where open)::int as open,
      min(error_message) filter (where phase <> 'moved' and not open) as failure
    from rehome_control.moves where run_id = $1`
  for (;;) {
    signal.throwIfAborted()
    const { open: left, failure } = (await control.query(query, [run])).rows[0]
    if (failure) throw new Error(failure)
    if (left === 0) return
    await delay(25)
  }
}

async function pausesOf(control: pg.Pool, run: string): Promise<number[]> {
  const query = 'select pause_ms as ms from rehome_control.moves where run_id = $1 order by 1'
  return (await control.query(query, [run])).rows.map(({ ms }) => Number(ms))
}

/** Tables of the control database with their indexes, the queue's too where it is there. */
async function controlBytes(control: pg.Pool): Promise<number> {
  const query = `select coalesce(sum(pg_total_relation_size(c.oid)), 0)::float8 as bytes
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where c.relkind = 'r' and n.nspname in ('rehome_control', 'bullmq')`
  return (await control.query(query)).rows[0].bytes
}

/** CPU times of the workers and of the servers from now on, for each tenant. */
async function costsOf({ server }: BenchStage, workers: readonly ChildProcess[]) {
  const look = async () => {
    const each = await Promise.all(workers.map(({ pid = 0 }) => cpuOf(pid)))
    const known = each.every((cpu) => cpu !== null)
    return {
      workers: known ? each.reduce((sum, cpu) => sum + (cpu?.ownS ?? 0), 0) : null,
      servers: await cpuOfFamily(server.pid ?? 0),
    }
  }
  const before = await look()
  return {
    async since(tenants: number) {
      const after = await look()
      const ms = (from: number | null, to: number | null) =>
        from === null || to === null ? null : ((to - from) * 1000) / tenants
      return {
        workerMs: ms(before.workers, after.workers),
        serverMs: ms(before.servers, after.servers),
      }
    },
  }
}

async function largestMemory(workers: readonly ChildProcess[]): Promise<number | null> {
  const each = await Promise.all(workers.map(({ pid = 0 }) => peakMemoryOf(pid)))
  return each.every((mb) => mb !== null) ? Math.max(...each.map((mb) => mb ?? 0)) : null
}
