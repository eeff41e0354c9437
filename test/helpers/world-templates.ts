// The databases of the small world as templates: installing one takes half a second, copying it a
// tenth. Worlds that are built alike share one set of templates for the whole test run.
import { createHash } from 'node:crypto'
import pg from 'pg'
import { install } from '../../src/coordinator/installation.ts'
import { migrate } from '../../src/migrations.ts'
import { checkPlan } from '../../src/plan/check-plan.ts'
import type { Plan, PlanInput } from '../../src/plan/plan.ts'
import { createPool } from '../../src/postgres.ts'
import { migrateQueueSchema } from '../../src/queue/queues.ts'
import {
  createDatabase,
  type TestDatabase,
  templateDatabase,
  templateDatabases,
} from './database.ts'

export interface Blueprint {
  readonly plan: PlanInput
  /** Statements to run at each end before the fence is installed. */
  readonly sql: { readonly source: string; readonly target: string }
  readonly redisUrl: string | undefined
}

export type Databases = Readonly<Record<'source' | 'target' | 'control', TestDatabase>>

/** Three databases, installed for the plan; the control database has an identity of its own. */
export async function createInstalled(blueprint: Blueprint): Promise<Databases> {
  const templates = await templatesOf(blueprint)
  const [source, target, control] = await Promise.all([
    createDatabase({ template: templates.source }),
    createDatabase({ template: templates.target }),
    createDatabase({ template: templates.control }),
  ])
  // The queues of two installations in one Redis are told apart by it.
  await control.pool.query('update rehome_control.installation set id = gen_random_uuid()')
  return { source, target, control }
}

async function templatesOf(blueprint: Blueprint): Promise<Record<keyof Databases, string>> {
  const plan = checkPlan(blueprint.plan)
  const end = await templateDatabase('end', (url) => migrateAt(url, 'endpoint'))
  const control = await controlTemplate(blueprint.redisUrl)
  return await templateDatabases(`world_${hashOf(blueprint, plan)}`, {
    parts: { source: end, target: end, control },
    async build(urls) {
      await Promise.all([
        runOn(urls.source, blueprint.sql.source),
        runOn(urls.target, blueprint.sql.target),
      ])
      const environment = environmentOf(urls, blueprint.redisUrl)
      const { CONTROL_URL: controlUrl, REDIS_URL: redisUrl } = environment
      await install({ controlUrl, redisUrl, environment }, [plan])
    },
  })
}

async function controlTemplate(redisUrl: string | undefined): Promise<string> {
  return await templateDatabase(redisUrl ? 'control' : 'control_with_queue', async (url) => {
    await migrateAt(url, 'control')
    if (!redisUrl) await migrateQueueSchema(url)
  })
}

async function migrateAt(url: string, set: 'control' | 'endpoint'): Promise<void> {
  const pool = createPool({ url, name: 'template', size: 1 })
  try {
    await migrate(pool, set)
  } finally {
    await pool.end()
  }
}

/** The environment of workers and the library. */
export function environmentOf(
  urls: Readonly<Record<keyof Databases, string>>,
  redisUrl: string | undefined,
): NodeJS.ProcessEnv & { CONTROL_URL: string } {
  return {
    SOURCE_URL: urls.source,
    TARGET_URL: urls.target,
    CONTROL_URL: urls.control,
    ...(redisUrl ? { REDIS_URL: redisUrl } : {}),
  }
}

/** Options that decide how a move goes, and not what is installed for it. */
const paces = {
  tenants: null,
  attempts: null,
  backoffMs: null,
  chunkRows: null,
  concurrency: null,
  fence: null,
  pause: null,
}

/** Functions differ by their texts. */
function hashOf({ sql, redisUrl }: Blueprint, plan: Plan): string {
  const text = (_: string, value: unknown) =>
    typeof value === 'function' || typeof value === 'bigint' ? String(value) : value
  const what = [sql, redisUrl !== undefined, { ...plan, ...paces }]
  return createHash('sha256').update(JSON.stringify(what, text)).digest('hex').slice(0, 16)
}

async function runOn(url: string, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    await client.query(sql)
  } finally {
    await client.end()
  }
}
