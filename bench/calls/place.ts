/** Two ends, a control database, and a worker in this process that moves one tenant at a time. */
import pg from 'pg'
import { startWorker } from '../../jobs/worker.ts'
import { install } from '../../src/coordinator/installation.ts'
import { open, type Rehome } from '../../src/index.ts'
import { createLog } from '../../src/log.ts'
import { checkPlan } from '../../src/plan/check-plan.ts'
import type { BenchStage } from '../bench.ts'
import { planOf, schemaOf, seedOf } from './plan.ts'

export interface Case {
  readonly tables: number
  readonly strategy: 'offline' | 'online'
}

export interface Place extends AsyncDisposable {
  /** Returns how long the tenant could not write, in ms. */
  move(tenant: string): Promise<number>
  rollback(tenant: string): Promise<void>
}

export interface PlaceOptions {
  readonly tenants: readonly string[]
  /** The URL by which an end is reached. Absent: the server's own. */
  readonly through?: (end: 'source' | 'target', url: string) => string
}

export async function buildPlace(
  { server }: BenchStage,
  { tables, strategy }: Case,
  { tenants, through = (_, url) => url }: PlaceOptions,
): Promise<Place> {
  const plan = planOf(tables, strategy)
  const { source, target, control } = await createDatabases(server, `${strategy}_${tables}_`)
  await run(source, [schemaOf(tables), seedOf(tables, tenants)])
  await run(target, [schemaOf(tables)])
  const environment = {
    SOURCE_URL: through('source', source),
    TARGET_URL: through('target', target),
    CONTROL_URL: control,
    REDIS_URL: '',
  }
  await install({ controlUrl: control, environment }, [checkPlan(plan)])
  const rehome = await open({ environment })
  const log = createLog({ level: 'silent' })
  const worker = await startWorker({ plans: [plan], environment, log })
  const runs = new Map<string, string>()
  return {
    async move(tenant) {
      const { runId } = await rehome.enqueue(plan, { tenants: [tenant] })
      runs.set(tenant, runId ?? '')
      return await ended(rehome, runId ?? '', 'moved')
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

type Urls = Readonly<Record<'source' | 'target' | 'control', string>>

/** Empty ones, whose names begin alike. Returns their URLs. */
export async function createDatabases(server: BenchStage['server'], prefix: string): Promise<Urls> {
  const urlOf = async (role: string) => {
    await server.createDatabase(`${prefix}${role}`)
    return server.urlOf(`${prefix}${role}`)
  }
  return {
    source: await urlOf('source'),
    target: await urlOf('target'),
    control: await urlOf('control'),
  }
}

async function run(connectionString: string, statements: readonly string[]) {
  const client = new pg.Client({ connectionString })
  await client.connect()
  for (const statement of statements) await client.query(statement)
  await client.end()
}

async function ended(rehome: Rehome, runId: string, phase: string): Promise<number> {
  for await (const { done, moves } of rehome.watch(runId, { everyMs: 25 })) {
    if (!done) continue
    const [move] = moves
    if (move?.phase === phase) return Number(move.pause_ms ?? 0)
    throw new Error(`the tenant is ${move?.phase}: ${move?.error_message}`)
  }
  throw new Error('the run was not watched to its end')
}
