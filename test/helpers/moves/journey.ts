// A tenant of an application with a schema of its own: moved online while it writes, brought back
// with what it has written, moved again, and cleaned up. A twin of the application that never moves
// gets the same writes, so both ends together have to have its rows, and no others.
import { expect } from 'vitest'
import { sleep } from '../../../src/clock.ts'
import type { PlanInput } from '../../../src/plan/plan.ts'
import { table } from '../../../src/plan/plan.ts'
import { createDatabase } from '../database.ts'
import { ended } from '../runs.ts'
import { wholeDatabase } from '../schemas/whole-database.ts'
import { back, onlinePlan } from '../way-back.ts'
import { createWorld, type World } from '../world.ts'

export interface Application {
  readonly schema: string
  /** Rows at the source, with the ids that they keep. */
  readonly seed: string
  readonly tables: PlanInput['tables']
  readonly exclude?: PlanInput['exclude']
  /** Rows that are at the target before. */
  readonly there?: string
  /** Tables whose rows may stand at both ends. */
  readonly everybodys?: readonly string[]
  /**
   * Queries of one text, where ids differ between the ends: both ends together have to have the
   * twin's rows of them. Default: all rows of all tables.
   */
  readonly shown?: readonly string[]
  /** Statements of the transaction with this number, which has ids of its own. */
  readonly write: (i: number) => readonly string[]
}

const ofWorld = ['notes', 'note_lines', 'visits']
const twinSchema = `create table tenants (id text primary key, name text not null, mood text default 'calm')`
const tenantsSeed = `insert into tenants (id, name) values ('acme', 'Acme'), ('beta', 'Beta')`

export async function createApplication(
  { schema, seed, there = '', tables, exclude = [] }: Application,
  plan: Partial<PlanInput> = {},
): Promise<World> {
  return await createWorld({
    both: schema,
    source: `${tenantsSeed}; ${seed}`,
    target: there,
    plan: {
      ...onlinePlan,
      tables: [table('tenants', { tenant: 'id' }), ...tables],
      exclude: [...ofWorld, ...exclude],
      ...plan,
    },
  })
}

/** Fails where a row is lost, comes twice, stays, or changes, at any of both ends. */
export async function travel(application: Application): Promise<void> {
  await using world = await createApplication(application)
  await using twin = await createDatabase()
  const { schema, seed } = application
  await twin.pool.query(`${twinSchema}; ${schema}; ${tenantsSeed}; ${seed}`)
  const { source } = await travelIn(world, twin.pool, {
    ...{ plan: world.plan(), tenant: 'acme', ...application },
  })
  expect(source.filter((row) => row.includes('acme'))).toEqual([])
}

export interface Travel extends Pick<Application, 'write' | 'shown' | 'everybodys'> {
  readonly plan: PlanInput
  readonly tenant: string
}

/** In a world without workers. The twin has the rows of the world's source. */
export async function travelIn(
  world: World,
  twin: World['source']['pool'],
  { plan, tenant, ...application }: Travel,
): Promise<{ readonly source: readonly string[] }> {
  const writer = createWriter(world, twin, application)
  await world.work([plan])
  const move = async () => {
    const { runId } = await world.rehome.enqueue(plan, { tenants: [tenant] })
    const found = (await ended(world, runId)).get(tenant)
    expect([found?.phase, found?.error_message ?? null]).toEqual(['moved', null])
    return runId ?? ''
  }
  const first = await writer.during(move)
  await writer.write(20)
  expect(await writer.during(() => back(world, first, tenant))).toBe('rolled_back')
  await writer.write(20)
  const second = await writer.during(move)
  await writer.write(5)
  await world.rehome.finalize(second, { tenants: [tenant] })
  await ended(world, second)
  await world.rehome.cleanup(second, { tenants: [tenant] })
  await ended(world, second)
  await writer.write(5)
  const rowsOf = (pool: World['source']['pool']) => rowsShown(pool, application)
  const [source, target] = await Promise.all([rowsOf(world.source.pool), rowsOf(world.target.pool)])
  const isEverybodys = (row: string) =>
    application.everybodys?.some((name) => row.split(' ', 1)[0]?.endsWith(`.${name}`)) ?? false
  const there = target.filter((row) => !isEverybodys(row) || !source.includes(row))
  expect([...source, ...there].sort()).toEqual(await rowsOf(twin))
  return { source }
}

async function rowsShown(
  pool: World['source']['pool'],
  { shown }: Pick<Application, 'shown'>,
): Promise<string[]> {
  if (!shown) return await wholeDatabase(pool)
  const answers = await Promise.all(shown.map((text) => pool.query({ text, rowMode: 'array' })))
  return answers.flatMap(({ rows }) => rows.map(([text]) => String(text))).sort()
}

function createWriter(
  world: World,
  twin: World['source']['pool'],
  { write }: Pick<Application, 'write'>,
) {
  let number = 0
  let home: 'source' | 'target' = 'source'
  const writeOne = async () => {
    const statements = ['begin', ...write(number), 'commit'].join('; ')
    for (;;) {
      const client = await world[home].pool.connect()
      try {
        await client.query(statements)
        break
      } catch (error) {
        await client.query('rollback')
        const { hint, message } = error as { hint?: string; message: string }
        if (hint !== 'rehome:fenced') throw error
        if (/new home/.test(message)) home = home === 'source' ? 'target' : 'source'
        await sleep(5)
      } finally {
        client.release()
      }
    }
    await twin.query(statements)
    number += 1
  }
  return {
    async write(transactions: number): Promise<void> {
      for (let i = 0; i < transactions; i += 1) await writeOne()
    },
    /** Goes on until the work is done, or for some transactions, so that slow machines keep up. */
    async during<T>(work: () => Promise<T>): Promise<T> {
      let isDone = false
      const writing = (async () => {
        for (let i = 0; i < 30 && !isDone; i += 1) {
          await writeOne()
          await sleep(15)
        }
      })()
      try {
        return await work()
      } finally {
        isDone = true
        await writing
      }
    },
  }
}
