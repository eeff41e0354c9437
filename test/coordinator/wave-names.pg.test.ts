// Tenants that waves name: each is found however it is written, or named where the plan lacks it.
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type PlanInput, table } from '../../src/plan/plan.ts'
import { sql } from '../../src/plan/sql-text.ts'
import { createWorld, type World } from '../helpers/world.ts'

const ids = Array.from({ length: 4 }, () => randomUUID())
const [first = '', second = '', third = ''] = ids
const plan: Partial<PlanInput> = {
  tables: [table('teams', { tenant: 'id' })],
  exclude: ['tenants', 'notes', 'note_lines', 'visits'],
  tenants: sql`select id from teams`,
}

let world: World
beforeAll(async () => {
  world = await createWorld({ both: 'create table teams (id uuid primary key, name text)', plan })
  await world.source.pool.query('insert into teams select unnest($1::uuid[])', [ids])
})
afterAll(() => world[Symbol.asyncDispose]())

type Waves = NonNullable<PlanInput['waves']>
const planned = (waves: Waves, changes: Partial<PlanInput> = {}) =>
  world.plan({ waves, ...changes })
const enqueue = (waves: Waves, tenants?: string[], changes: Partial<PlanInput> = {}) =>
  world.rehome.enqueue(planned(waves, changes), { tenants, dryRun: true })

test('a tenant is found however the column would write its id', async () => {
  const tenants = [first.toUpperCase(), `{${second}}`, third.replaceAll('-', '')]
  const { waves } = await enqueue([{ tenants }, { rest: true }])
  expect(waves.map((wave) => wave.tenants)).toEqual([3, 1])
  expect(await world.rehome.check(planned([{ tenants }, { rest: true }]))).toEqual([])
})

test('tenants that the plan lacks are named with their wave, all of them', async () => {
  const unknown = Array.from({ length: 3 }, () => randomUUID())
  const waves: Waves = [
    { tenants: [first, ...unknown.slice(0, 2)] },
    { percent: 50 },
    { tenants: unknown.slice(2) },
    { rest: true },
  ]
  const refused = enqueue(waves)
  await expect(refused).rejects.toMatchObject({ code: 'TENANT_UNKNOWN' })
  const [one, two, three] = unknown.map((id) => `"${id}"`)
  const messages = [
    `wave 1 names tenants that are none of the plan's: ${one}; ${two}`,
    `wave 3 names tenants that are none of the plan's: ${three}`,
  ]
  await expect(refused).rejects.toThrow(messages.join('; '))
  expect(await world.rehome.check(planned(waves))).toEqual(
    messages.map((message) => ({ where: 'plan field `waves`', message })),
  )
  expect(await world.rehome.runs()).toEqual([])
})

test('what other waves name is no affair of tenants that are asked for', async () => {
  const waves: Waves = [{ tenants: [randomUUID()] }, { rest: true }]
  expect((await enqueue(waves, [first])).tenants).toEqual([first])
})

test.each(['', '*', 'a\0b', 'no uuid'])('%j in a wave is refused', async (tenant) => {
  const refused = enqueue([{ tenants: [tenant] }, { rest: true }])
  await expect(refused).rejects.toMatchObject({ code: 'TENANT_ID_INVALID' })
})

test('a tenant that has moved may be named by a plan that lists the others', async () => {
  await using _ = await world.work()
  const { runId } = await world.rehome.enqueue(world.plan(), { tenants: [first] })
  for await (const { done } of world.rehome.watch(runId ?? '', { everyMs: 60 })) if (done) break
  const others = { tenants: ids.slice(1) }
  const waves: Waves = [{ tenants: [first, second] }, { rest: true }]
  expect((await enqueue(waves, undefined, others)).waves.map((wave) => wave.tenants)).toEqual([
    1, 2,
  ])
  expect(await world.rehome.check(planned(waves, others))).toEqual([])
})
