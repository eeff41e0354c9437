// Tenants that are chosen by facts: of the plan, and by their rows.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createWorld, type World } from '../helpers/world.ts'

const plans: Readonly<Record<string, string>> = { a: 'free', b: 'paid', c: 'free' }
const facts = (tenant: string) => ({ plan: plans[tenant], size: tenant === 'c' ? 3 : undefined })

let world: World
beforeAll(async () => {
  world = await createWorld({ plan: { facts } })
  await world.addTenant('a', 1)
  await world.addTenant('b', 1)
  await world.addTenant('c', 20)
})
afterAll(() => world[Symbol.asyncDispose]())

const dry = { all: true, dryRun: true }

test('a run takes those for which the condition holds, counted at the source', async () => {
  const tried = async (where: string, limit?: number) =>
    (await world.rehome.enqueue(world.plan(), { dryRun: true, where, limit })).tenants
  expect(await tried('plan = free')).toEqual(['a', 'c'])
  expect(await tried('plan = free', 1)).toEqual(['a'])
  expect(await tried('rows > 50')).toEqual(['c'])
  expect(await tried('rows = 24 and plan != free')).toEqual(['b'])
  expect(await tried('size = null')).toEqual(['a', 'b'])
  await expect(tried('colour = red')).rejects.toThrow('no tenant has a fact "colour": there are')
  const wrong = world.rehome.enqueue(world.plan({ facts: () => ({ when: Number.NaN }) }))
  await expect(wrong).rejects.toMatchObject({ code: 'PLAN_INVALID' })
})

test('a run keeps the facts of its tenants, and errands choose by them', async () => {
  const run = (await world.rehome.enqueue(world.plan())).runId ?? ''
  const settle = `update rehome_control.moves set phase = 'moved', open = false, rows_total = 7`
  await world.control.pool.query(settle)
  expect((await world.rehome.show(run, 'c')).move.facts).toEqual({ plan: 'free', size: 3 })
  const { rehome } = world
  const tenantsOf = async (asked: Promise<{ readonly tenants: readonly string[] }>) =>
    (await asked).tenants
  const free = rehome.rollback(run, { ...dry, where: 'plan = free' })
  expect(await tenantsOf(free)).toEqual(['a', 'c'])
  const large = rehome.cleanup(run, { ...dry, where: 'size > 1 and phase = moved' })
  expect(await tenantsOf(large)).toEqual(['c'])
  expect(await tenantsOf(rehome.cleanup(run, { ...dry, where: 'rows > 7' }))).toEqual([])
  const price = await rehome.price(run, { errand: 'cleanup', all: true, where: 'plan = paid' })
  expect(price.tenants).toEqual(['b'])
  for (const where of ['colour = red', 'plan = free or size = 3']) {
    const asked = rehome.rollback(run, { ...dry, where })
    await expect(asked, where).rejects.toMatchObject({ code: 'USAGE' })
  }
})
