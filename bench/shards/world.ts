/**
 * One source and two targets on one server, `bare` without any index or key and `indexed` with
 * them, an installation of rehome over all, and one worker of it in a process of its own.
 */
import type { ChildProcess } from 'node:child_process'
import { performance } from 'node:perf_hooks'
import { setTimeout as delay } from 'node:timers/promises'
import type pg from 'pg'
import { compileProgram } from '../../dev/compiled-program.ts'
import { install } from '../../src/coordinator/installation.ts'
import { open, type Rehome } from '../../src/index.ts'
import { checkPlan } from '../../src/plan/check-plan.ts'
import type { BenchStage } from '../bench.ts'
import { cpuOf, peakMemoryOf } from '../processes.ts'
import { openPool } from '../server.ts'
import { startWorker } from '../worker-process.ts'
import { planOf, plans, type TargetName, targets, type Work } from './plans.ts'
import {
  columns,
  createIndexes,
  createTables,
  fillStatements,
  type Layout,
  tables,
} from './schema.ts'

export interface ShardWorld extends AsyncDisposable {
  /** The number of rows that move. */
  readonly rows: number
  /** The size of their rows as a binary COPY, in MB, but for a few bytes a row. */
  readonly megabytes: number
  /** Those that move. */
  readonly tenants: readonly string[]
  readonly urls: Readonly<Record<'source' | TargetName, string>>
  /** An empty target without flags, and nothing left to be flushed. */
  reset(target: TargetName): Promise<void>
  /** A run of whole moves of all tenants. Throws where one does not end well. */
  move(work: Work, target: TargetName): Promise<Moved>
  /** Throws where the target does not hold as many rows as the source. */
  expectRows(target: TargetName): Promise<void>
}

/** Times in seconds; of phases those of all tenants together. */
export interface Moved {
  readonly copy: number
  readonly verify: number
  /** From the request to its end. */
  readonly whole: number
  /** CPU time of the worker; null where it is not known. */
  readonly workerCpu: number | null
  /** The worker's largest resident set so far, in MB; null where it is not known. */
  readonly peakMb: number | null
}

export async function buildShards(
  { server, rows, tell }: BenchStage,
  layout: Layout,
  ofWorker: NodeJS.ProcessEnv = {},
): Promise<ShardWorld> {
  const { tenants } = layout
  tell(`making a source with ${rows} rows of ${tenants.length} tenants, and two targets`)
  const names = ['source', ...targets, 'control'] as const
  for (const name of names) await server.createDatabase(name)
  const urlOf = (name: (typeof names)[number]) => server.urlOf(name)
  const urls = { source: urlOf('source'), bare: urlOf('bare'), indexed: urlOf('indexed') }
  const pools = { source: openPool(urls.source), bare: openPool(urls.bare) }
  const all = { ...pools, indexed: openPool(urls.indexed) }
  const control = openPool(urlOf('control'))
  await fillAll(all, fillStatements(layout, rows))
  const environment = environmentOf(urls, urlOf('control'))
  const { CONTROL_URL: controlUrl } = environment
  await install({ controlUrl, environment }, plans.map(checkPlan))
  const rehome = await open({ environment })
  const program = await compileProgram('bench/shards/worker.ts')
  const { REDIS_URL: _, ...inherited } = process.env
  const worker = await startWorker([program.file], { ...inherited, ...environment, ...ofWorker })
  return {
    ...{ urls, tenants, ...(await sizeOf(pools.source, tenants)) },
    reset: (target) => reset([all.source, all[target]], control),
    move: (work, target) => move({ rehome, worker, tenants }, work, target),
    expectRows: (target) => expectRows([all.source, all[target]], tenants),
    async [Symbol.asyncDispose]() {
      worker.kill('SIGKILL')
      await program[Symbol.asyncDispose]()
      await rehome.close()
      await Promise.all([...Object.values(all), control].map((pool) => pool.end()))
    },
  }
}

async function fillAll(
  pools: Record<'source' | TargetName, pg.Pool>,
  statements: readonly string[],
) {
  await Promise.all(Object.values(pools).map((pool) => pool.query(createTables)))
  for (const statement of statements) await pools.source.query(statement)
  await Promise.all([pools.source.query(createIndexes), pools.indexed.query(createIndexes)])
  await pools.source.query('vacuum analyze')
}

/** Moves in PostgreSQL's queue: nothing but the server has to be there. */
function environmentOf(urls: Record<'source' | TargetName, string>, control: string) {
  const { source, bare, indexed } = urls
  return { CONTROL_URL: control, SOURCE_URL: source, BARE_URL: bare, INDEXED_URL: indexed }
}

/**
 * Restores the state after an installation, so that a move does not clean up after the one before,
 * and no tenant has moved yet.
 */
async function reset(
  [source, target]: readonly [pg.Pool, pg.Pool],
  control: pg.Pool,
): Promise<void> {
  await control.query('truncate rehome_control.runs cascade')
  for (const pool of [source, target]) {
    await pool.query('delete from rehome.tenant_flags')
    await pool.query('delete from rehome.copy_progress')
    await pool.query('delete from rehome.checkpoints')
  }
  await target.query(`truncate ${tables.join(', ')}`)
  await target.query('checkpoint')
}

interface Mover {
  readonly rehome: Rehome
  readonly worker: ChildProcess
  readonly tenants: readonly string[]
}

async function move({ rehome, worker, tenants }: Mover, work: Work, target: TargetName) {
  const pid = worker.pid ?? 0
  const before = await cpuOf(pid)
  const started = performance.now()
  const { runId } = await rehome.enqueue(planOf(work, target), { tenants: [...tenants] })
  for (;;) {
    const { moves } = await rehome.status(runId ?? '')
    if (moves.length > 0 && moves.every(({ phase }) => phase === 'moved')) break
    const failed = moves.find((one) => one.error_message)
    if (failed) throw new Error(failed.error_message ?? '')
    if (worker.exitCode !== null) throw new Error('the worker has ended')
    await delay(20)
  }
  const whole = (performance.now() - started) / 1000
  const after = await cpuOf(pid)
  const records = await Promise.all(tenants.map((tenant) => rehome.show(runId ?? '', tenant)))
  const seconds = (phase: string) =>
    records.reduce((sum, { move: { evidence } }) => {
      return sum + ((evidence.movePhaseMs as Record<string, number>)[phase] ?? Number.NaN) / 1000
    }, 0)
  return {
    copy: seconds('copy'),
    verify: seconds('verify'),
    whole,
    workerCpu: before && after ? after.ownS - before.ownS : null,
    peakMb: await peakMemoryOf(pid),
  }
}

async function sizeOf(source: pg.Pool, tenants: readonly string[]) {
  const each = tables.map((name) => {
    const bytes = columnNames(name).map((column) => `coalesce(pg_column_size(${column}), 0)`)
    return `select count(*) as rows, sum(${bytes.join(' + ')}) as bytes from ${name}
      where tenant_id = any ($1)`
  })
  const query = `select sum(rows)::int as rows, (sum(bytes) / 1e6)::float8 as megabytes
    from (${each.join(' union all ')}) t`
  return (await source.query(query, [tenants])).rows[0] as { rows: number; megabytes: number }
}

async function expectRows(
  ends: readonly [pg.Pool, pg.Pool],
  tenants: readonly string[],
): Promise<void> {
  for (const name of tables) {
    const count = `select count(*)::integer as rows from ${name} where tenant_id = any ($1)`
    const [there, here] = await Promise.all(ends.map((pool) => pool.query(count, [tenants])))
    if (there?.rows[0].rows === here?.rows[0].rows) continue
    throw new Error(`"${name}": ${here?.rows[0].rows} of ${there?.rows[0].rows} rows have come`)
  }
}

/** The columns' names, in order. */
export function columnNames(name: (typeof tables)[number]): string[] {
  return columns[name].split(/,\s+(?=[a-z])/).map((text) => text.trim().split(' ')[0] ?? '')
}
