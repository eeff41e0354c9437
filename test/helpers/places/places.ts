// A shop whose tenants are a column of shared tables, a schema each or a database each, in as many
// databases as a test needs, and an oracle of the test's own for what a tenant has.
import { setTimeout as delay } from 'node:timers/promises'
import { expect } from 'vitest'
import { install } from '../../../src/coordinator/installation.ts'
import { type Library, openLibrary } from '../../../src/coordinator/rehome.ts'
import { known } from '../../../src/known.ts'
import { createLog } from '../../../src/log.ts'
import { checkPlan } from '../../../src/plan/check-plan.ts'
import { discover, type PlanInput, table } from '../../../src/plan/plan.ts'
import { openAttempts } from '../attempts/attempts.ts'
import { commonBackend } from '../backends.ts'
import { createDatabase, type TestDatabase } from '../database.ts'
import { environmentOf } from '../world-templates.ts'

export type Shape = 'column' | 'schema' | 'database'

/** Where a tenant's rows are. */
export interface Spot {
  readonly shape: Shape
  readonly at: TestDatabase
  readonly tenant: string
}

const schemaAt = ({ shape, tenant }: Spot) => (shape === 'schema' ? `tenant_${tenant}` : 'public')

/** Makes the tables of one spot; harmless where they are there. */
export async function makeTables(spot: Spot): Promise<void> {
  const own = spot.shape === 'column' ? 'tenant_id text not null,' : ''
  const schema = schemaAt(spot)
  await spot.at.pool.query(`create schema if not exists ${schema};
    create table if not exists ${schema}.customers (${own} id bigint primary key, name text not null);
    create table if not exists ${schema}.orders (${own} id bigint primary key,
      customer_id bigint not null references ${schema}.customers, total numeric(12, 2));
    create table if not exists ${schema}.order_lines (order_id bigint not null
      references ${schema}.orders on delete cascade, line int not null, words text,
      primary key (order_id, line));`)
}

/** Rows whose ids begin at `number` thousands. */
export async function fill(spot: Spot, number: number): Promise<void> {
  const [column, value] = spot.shape === 'column' ? ['tenant_id,', `'${spot.tenant}',`] : ['', '']
  const [schema, first] = [schemaAt(spot), number * 10_000]
  await spot.at.pool.query(`
    insert into ${schema}.customers (${column} id, name)
      select ${value} ${first} + n, 'customer ' || n from generate_series(1, 5) n;
    insert into ${schema}.orders (${column} id, customer_id, total)
      select ${value} ${first} + n, ${first} + 1 + n % 5, n * 1.25 from generate_series(1, 30) n;
    insert into ${schema}.order_lines
      select ${first} + n, l, 'line ' || l from generate_series(1, 30) n, generate_series(1, 2) l`)
}

/** The tenant's rows there, as all shapes have them. */
export async function rowsAt(spot: Spot): Promise<string[]> {
  const schema = schemaAt(spot)
  const whole = spot.shape !== 'column'
  const queries = ['customers', 'orders', 'order_lines'].map((name) => {
    const own = `r.tenant_id = $1`
    const child = `r.order_id in (select id from ${schema}.orders where tenant_id = $1)`
    const where = whole ? `$1 <> ''` : name === 'order_lines' ? child : own
    return `select '${name} ' || (to_jsonb(r) - 'tenant_id')::text as row
      from ${schema}.${name} r where ${where}`
  })
  const { rows } = await spot.at.pool.query(queries.join(' union all '), [spot.tenant])
  return rows.map(({ row }) => row).sort()
}

/** A write of the application for the tenant: `accepted`, or how it was refused. */
export async function tryWrite(spot: Spot): Promise<string> {
  const where = spot.shape === 'column' ? `where tenant_id = '${spot.tenant}'` : ''
  const text = `update ${schemaAt(spot)}.orders set total = total + 1 ${where}`
  return await spot.at.pool.query(text).then(
    () => 'accepted',
    (error: { code: string; hint: string }) => `${error.code} ${error.hint}`,
  )
}

/** Writes for the tenant until it is refused: rows come, change and go. Resolves to its last id. */
export async function writeUntilRefused(spot: Spot, first: number): Promise<number> {
  const [column, value] = spot.shape === 'column' ? ['tenant_id,', `'${spot.tenant}',`] : ['', '']
  const schema = schemaAt(spot)
  const customer = Math.floor(first / 10_000) * 10_000 + 1
  for (let id = first; ; id += 1) {
    try {
      await spot.at.pool.query(`insert into ${schema}.orders (${column} id, customer_id, total)
          values (${value} ${id}, ${customer}, 1);
        insert into ${schema}.order_lines values (${id}, 1, 'new'), (${id}, 2, 'new');
        update ${schema}.customers set name = name || '.' where id = ${customer};
        delete from ${schema}.orders where id = ${id - 3} and id % 2 = 0`)
    } catch (error) {
      if (Object(error).code !== '25006') throw error
      return id
    }
    await delay(2)
  }
}

export interface PlacesWorld extends AsyncDisposable {
  readonly environment: NodeJS.ProcessEnv
  readonly rehome: Library
  readonly control: TestDatabase
  database(): Promise<TestDatabase>
  /** The plan that all of the world's moves follow until another is set. */
  use(plan: Partial<PlanInput> & Pick<PlanInput, 'source' | 'target' | 'tenants'>): PlanInput
  /** Things that were missing, in words. */
  init(): Promise<string[]>
  move(tenant: string): Promise<Record<string, unknown>>
  /** Asks for an errand of the tenant's last move and carries it out. */
  carry(tenant: string, ask: (runId: string) => Promise<unknown>): Promise<Record<string, unknown>>
}

const planned = {
  name: 'places',
  tables: [discover({ exclude: ['order_lines'] }), table('order_lines', { through: 'order_id' })],
  chunkRows: 12,
  attempts: 1,
  fence: { leaseMs: 15_000, drainMs: 2_000 },
  pause: { budgetMs: 60_000 },
}

async function lastMoveOf({ pool }: TestDatabase, tenant: string) {
  const query = `select * from rehome_control.moves where tenant_id = $1
    order by created_at desc, id limit 1`
  return (await pool.query(query, [tenant])).rows[0]
}

/** Urls of databases are in the environment as `URL_` and the database's name. */
export async function createPlacesWorld(): Promise<PlacesWorld> {
  const control = await createDatabase()
  const redisUrl = commonBackend()?.redisUrl
  const urls = { source: control.url, target: control.url, control: control.url }
  const environment = environmentOf(urls, redisUrl)
  const made: TestDatabase[] = []
  const log = createLog({ level: process.env.LOG_LEVEL ?? 'silent' })
  let plan: PlanInput | null = null
  const current = () => known(plan ?? undefined)
  const settings = { controlUrl: control.url, redisUrl, environment }
  let rehome: Library | null = null
  const opened = async () => {
    rehome ??= await openLibrary({ environment, by: 'tester', log })
    return rehome
  }
  const finish = async (tenant: string) => {
    await using attempts = openAttempts({ environment, plan: current })
    await attempts.finish((await lastMoveOf(control, tenant)).id)
    return await lastMoveOf(control, tenant)
  }
  return {
    environment,
    control,
    get rehome() {
      return known(rehome ?? undefined)
    },
    async database() {
      const database = await createDatabase()
      made.push(database)
      environment[`URL_${database.name}`] = database.url
      return database
    },
    use(changes) {
      plan = { ...planned, ...changes }
      return plan
    },
    async init() {
      const installed = await install(settings, [checkPlan(current())])
      await opened()
      return installed
    },
    async move(tenant) {
      await (await opened()).enqueue(current(), { tenants: [tenant] })
      const move = await finish(tenant)
      expect(move).toMatchObject({ phase: 'moved', error_message: null })
      return move
    },
    async carry(tenant, ask) {
      await ask((await lastMoveOf(control, tenant))?.run_id)
      return await finish(tenant)
    },
    async [Symbol.asyncDispose]() {
      await rehome?.close()
      await Promise.all([control, ...made].map((database) => database.drop()))
    },
  }
}
