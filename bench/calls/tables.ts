/**
 * `tables`: a plan with 1,001 tables. How long `check` takes, and an `init` that has nothing to do;
 * and the longest wait of a writer of a table while `init` installs its guard.
 */
import { performance } from 'node:perf_hooks'
import pg from 'pg'
import { survey } from '../../src/checks/survey.ts'
import { closeEnds, install, openEnds } from '../../src/coordinator/installation.ts'
import { sharedEnds } from '../../src/ends/end.ts'
import { installGuard } from '../../src/ends/postgres/fence/install-guard.ts'
import { open } from '../../src/index.ts'
import { checkPlan } from '../../src/plan/check-plan.ts'
import { type Bench, type BenchStage, figureOf } from '../bench.ts'
import { createDatabases } from './place.ts'
import { planOf, schemaOf, seedOf } from './plan.ts'

const count = 1_001

export const tables: Bench = {
  name: 'tables',
  summary: '1,001 tables: check, an init with nothing to do, and the wait of writers for a guard',
  async run(stage) {
    const { runs, tell } = stage
    const environment = await build(stage)
    const init = async () => {
      await install({ controlUrl: environment.CONTROL_URL, environment }, [checkPlan(plan)])
    }
    tell('the first init')
    const first = await timed(init)
    const inits: number[] = []
    const checks: number[] = []
    for (let round = 0; round < runs; round += 1) {
      tell(`round ${round + 1}`)
      inits.push(await timed(init))
      checks.push(await timed(() => check(environment)))
    }
    tell('installing guards beside a writer')
    const waits = await longestWaits(environment)
    const atMost = (limit: number) => ({ of: 'rehome', relation: 'at most', limit }) as const
    const figure = (what: string, samples: readonly number[], limit?: number) => {
      const aim = limit === undefined ? {} : { aim: atMost(limit) }
      return figureOf({
        what,
        unit: what.includes('wait') ? 'ms' : 's',
        samples: { rehome: samples },
        ...aim,
      })
    }
    return [
      figure('check', checks, 5),
      figure('init with nothing to do', inits, 5),
      figure('the first init', [first]),
      figure('longest wait of a writer for a guard', waits, 4),
    ]
  },
}

const plan = planOf(count, 'online')

type Environment = Record<'SOURCE_URL' | 'TARGET_URL' | 'CONTROL_URL' | 'REDIS_URL', string>

async function build({ server, tell }: BenchStage): Promise<Environment> {
  const { source, target, control } = await createDatabases(server, 'tables_')
  tell(`creating ${count} tables at both ends`)
  for (const url of [source, target]) {
    // Not in one transaction, which could not lock so many.
    for (const statement of schemaOf(count).split(';')) await run(url, statement)
  }
  await run(source, seedOf(count, ['first', 'second']))
  return { SOURCE_URL: source, TARGET_URL: target, CONTROL_URL: control, REDIS_URL: '' }
}

async function run(connectionString: string, statements: string): Promise<void> {
  const client = new pg.Client({ connectionString })
  await client.connect()
  await client.query(statements)
  await client.end()
}

async function timed(work: () => Promise<void>): Promise<number> {
  const begun = performance.now()
  await work()
  return (performance.now() - begun) / 1000
}

/** All that the command asks. */
async function check(environment: Environment): Promise<void> {
  await using rehome = await open({ environment })
  const findings = [...(await rehome.check(plan)), ...(await rehome.oneWayTables(plan))]
  await rehome.unproven(plan)
  await rehome.notes(plan)
  await rehome.exposed(plan)
  const [first] = findings
  if (first) throw new Error(`${first.where}: ${first.message}`)
}

/** Tables whose guard is taken away and installed again, one after the other. */
const some = 20

/** Longest waits of a client that writes a table without a pause, one for each table. */
async function longestWaits(environment: Environment): Promise<number[]> {
  const checked = checkPlan(plan)
  const ends = sharedEnds(openEnds(checked, environment))
  const client = new pg.Client({ connectionString: environment.SOURCE_URL })
  await client.connect()
  const { sql } = ends.source
  if (!sql) throw new Error('the source is a database')
  for (let i = 1; i <= some; i += 1) await client.query(`drop trigger rehome_insert on items_${i}`)
  const { unguarded } = await survey(checked, ends)
  const waits: number[] = []
  for (const { relation, statements } of unguarded) {
    const isOver = new AbortController()
    const wait = longestWrite(client, relation, isOver.signal)
    await installGuard(sql.pool, statements)
    isOver.abort()
    waits.push(await wait)
  }
  await client.end()
  await closeEnds(ends)
  return waits
}

async function longestWrite(client: pg.Client, table: string, over: AbortSignal): Promise<number> {
  let longest = 0
  while (!over.aborted) {
    const begun = performance.now()
    await client.query(`insert into ${table} (tenant_id, body) values ('first', 'text')`)
    longest = Math.max(longest, performance.now() - begun)
  }
  return longest
}
