/**
 * `calls`: how many remote calls one tenant of 100 rows takes, by what is done with it. No clock:
 * the numbers are the same on every machine. The tenant is the second that moves, so that the
 * worker knows both schemas already, as it does for all tenants but the first.
 */
import pg from 'pg'
import { startWorker } from '../jobs/worker.ts'
import { install } from '../src/coordinator/installation.ts'
import { open, type Rehome } from '../src/index.ts'
import { createLog } from '../src/log.ts'
import { checkPlan } from '../src/plan/check-plan.ts'
import type { Aim, Bench, BenchStage, Figure } from './bench.ts'
import { figureOf } from './bench.ts'
import { type Counted, countCalls } from './calls/count.ts'
import { planOf, schemaOf, seedOf } from './calls/plan.ts'

export const calls: Bench = {
  name: 'calls',
  summary: 'remote calls of a small tenant, counted: offline, online and back; 3 and 100 tables',
  async run(stage) {
    const figures: Figure[] = []
    for (const tables of [3, 100]) {
      for (const strategy of ['offline', 'online'] as const) {
        stage.tell(`${strategy}, ${tables} tables`)
        figures.push(...(await measure(stage, { tables, strategy })))
      }
    }
    return figures
  },
}

interface Case {
  readonly tables: number
  readonly strategy: 'offline' | 'online'
}

const aims: Readonly<Record<Case['strategy'], { calls: number; inSequence: number }>> = {
  offline: { calls: 45, inSequence: 14 },
  online: { calls: 80, inSequence: 8 },
}

async function measure(stage: BenchStage, one: Case): Promise<Figure[]> {
  await using place = await build(stage, one)
  await place.move('first')
  const there = await countCalls('second', () => place.move('second'))
  const back = await countCalls('second', () => place.rollback('second'))
  const what = `${one.strategy}, ${one.tables} tables`
  const aim = one.tables === 3 ? aims[one.strategy] : null
  return [...figuresOf(what, there, aim), ...figuresOf(`${what}, back`, back, null)]
}

function figuresOf(what: string, counted: Counted, aim: (typeof aims)['offline'] | null): Figure[] {
  const { calls: all, catalogue, fenced, inSequence } = counted
  const figure = (name: string, number: number, limit?: number) => {
    const held: { aim?: Aim } =
      limit === undefined ? {} : { aim: { of: 'rehome', relation: 'at most', limit } }
    return figureOf({ what: name, unit: 'calls', samples: { rehome: [number] }, ...held })
  }
  return [
    figure(what, all, aim?.calls),
    figure('  that read the catalogue', catalogue, aim ? 2 : undefined),
    figure('  under the fence', fenced),
    figure('  of them one after another', inSequence, aim?.inSequence),
  ]
}

interface Place extends AsyncDisposable {
  move(tenant: string): Promise<void>
  rollback(tenant: string): Promise<void>
}

async function build({ server }: BenchStage, { tables, strategy }: Case): Promise<Place> {
  const plan = planOf(tables, strategy)
  const urls: Record<string, string> = {}
  for (const role of ['source', 'target', 'control']) {
    const name = `${strategy}_${tables}_${role}`
    await server.createDatabase(name)
    urls[`${role.toUpperCase()}_URL`] = server.urlOf(name)
  }
  await run(urls.SOURCE_URL, [schemaOf(tables), seedOf(tables)])
  await run(urls.TARGET_URL, [schemaOf(tables)])
  const environment = { ...urls, REDIS_URL: '' }
  await install({ controlUrl: urls.CONTROL_URL ?? '', environment }, [checkPlan(plan)])
  const rehome = await open({ environment })
  const log = createLog({ level: 'silent' })
  const worker = await startWorker({ plans: [plan], environment, log })
  const runs = new Map<string, string>()
  return {
    async move(tenant) {
      const { runId } = await rehome.enqueue(plan, { tenants: [tenant] })
      runs.set(tenant, runId ?? '')
      await ended(rehome, runId ?? '', 'moved')
    },
    async rollback(tenant) {
      const runId = runs.get(tenant) ?? ''
      await rehome.rollback(runId, { tenants: [tenant] })
      await ended(rehome, runId, 'rolled_back')
    },
    async [Symbol.asyncDispose]() {
      await worker.close()
      await rehome.close()
    },
  }
}

async function run(connectionString: string | undefined, statements: readonly string[]) {
  const client = new pg.Client({ connectionString })
  await client.connect()
  for (const statement of statements) await client.query(statement)
  await client.end()
}

async function ended(rehome: Rehome, runId: string, phase: string): Promise<void> {
  for await (const { done, moves } of rehome.watch(runId, { everyMs: 25 })) {
    if (!done) continue
    const [move] = moves
    if (move?.phase === phase) return
    throw new Error(`the tenant is ${move?.phase}: ${move?.error_message}`)
  }
}
