// A tenant of an application with a schema of its own: moved online while it writes, brought back
// with what it has written, moved again, and cleaned up. A twin of the application that never moves
// gets the same writes, so both ends together have to have its rows, and no others.
import { expect } from 'vitest'
import { sleep } from '../../src/clock.ts'
import type { PlanInput } from '../../src/plan/plan.ts'
import { table } from '../../src/plan/plan.ts'
import { createDatabase } from './database.ts'
import { ended } from './runs.ts'
import { back, onlinePlan } from './way-back.ts'
import { wholeDatabase } from './whole-database.ts'
import { createWorld, type World } from './world.ts'

export interface Application {
  readonly schema: string
  /** Rows at the source, with the ids that they keep. */
  readonly seed: string
  readonly tables: PlanInput['tables']
  readonly exclude?: PlanInput['exclude']
  /** Statements of the transaction with this number, which has ids of its own. */
  readonly write: (i: number) => readonly string[]
}

const ofWorld = ['notes', 'note_lines', 'visits']
const twinSchema = `create table tenants (id text primary key, name text not null, mood text default 'calm')`
const tenantsSeed = `insert into tenants (id, name) values ('acme', 'Acme'), ('beta', 'Beta')`

export async function createApplication(
  { schema, seed, tables, exclude = [] }: Application,
  plan: Partial<PlanInput> = {},
): Promise<World> {
  return await createWorld({
    both: schema,
    source: `${tenantsSeed}; ${seed}`,
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
  const writer = createWriter(world, twin.pool, application)
  await world.work()
  const move = async () => {
    const { runId } = await world.rehome.enqueue(world.plan(), { tenants: ['acme'] })
    const found = (await ended(world, runId)).get('acme')
    expect([found?.phase, found?.error_message ?? null]).toEqual(['moved', null])
    return runId ?? ''
  }
  const first = await writer.during(move)
  await writer.write(20)
  expect(await writer.during(() => back(world, first, 'acme'))).toBe('rolled_back')
  await writer.write(20)
  const second = await writer.during(move)
  await writer.write(5)
  await world.rehome.finalize(second, { tenants: ['acme'] })
  await ended(world, second)
  await world.rehome.cleanup(second, { tenants: ['acme'] })
  await ended(world, second)
  await writer.write(5)
  const [source, target] = await Promise.all(
    [world.source, world.target].map(({ pool }) => wholeDatabase(pool)),
  )
  expect([...(source ?? []), ...(target ?? [])].sort()).toEqual(await wholeDatabase(twin.pool))
  expect(source?.filter((row) => row.includes('acme'))).toEqual([])
}

function createWriter(world: World, twin: World['source']['pool'], { write }: Application) {
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
