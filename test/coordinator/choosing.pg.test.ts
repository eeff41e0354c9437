// Choosing tenants of a fleet for runs and errands: who is taken, who is not, and the price.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { percentileOf } from '../../src/coordinator/choose.ts'
import { ended } from '../helpers/runs.ts'
import { createWorld, type World } from '../helpers/world.ts'

const tenants = Array.from({ length: 8 }, (_, i) => `tenant ${i}`)
const byHash = tenants.toSorted((a, b) => percentileOf(a) - percentileOf(b))
/** A share that contains exactly so many of the tenants. */
const shareOf = (count: number) => percentileOf(byHash[count - 1] ?? '') + 1e-9

let world: World
beforeAll(async () => {
  world = await createWorld()
  for (const tenant of tenants) await world.addTenant(tenant, 1)
})
afterAll(() => world[Symbol.asyncDispose]())

test('runs by growing shares move every tenant once, and errands on all pass over the others', async () => {
  const { rehome } = world
  const first = await rehome.enqueue(world.plan(), { percent: shareOf(2) })
  expect(first.tenants.toSorted()).toEqual(byHash.slice(0, 2).toSorted())
  expect(first.passedOver).toEqual({ moved: 0, busy: 0 })

  // Nothing has moved yet: the tenants of the first run are busy.
  const busy = await rehome.enqueue(world.plan(), { percent: shareOf(5), dryRun: true })
  expect(busy).toMatchObject({ runId: null, passedOver: { moved: 0, busy: 2 } })
  const named = rehome.enqueue(world.plan(), { tenants: byHash.slice(0, 3) })
  await expect(named).rejects.toMatchObject({ code: 'TENANT_BUSY' })

  const worker = await world.work()
  await ended(world, first.runId)
  const second = await rehome.enqueue(world.plan(), { percent: shareOf(5), limit: 2 })
  expect(second).toMatchObject({ passedOver: { moved: 2, busy: 0 } })
  expect(second.tenants).toHaveLength(2)
  expect(byHash.slice(2, 5)).toEqual(expect.arrayContaining([...second.tenants]))
  await ended(world, second.runId)

  const rest = await rehome.enqueue(world.plan())
  expect(rest).toMatchObject({ passedOver: { moved: 4, busy: 0 } })
  expect(rest.tenants).toHaveLength(4)
  await ended(world, rest.runId)
  const again = await rehome.enqueue(world.plan())
  const none = { runId: null, count: 0, tenants: [], waves: [], hold: null, schedule: null }
  expect(again).toEqual({ ...none, passedOver: { moved: 8, busy: 0 } })

  const runId = rest.runId ?? ''
  const [one = ''] = rest.tenants
  expect(await rehome.rollback(runId, { tenants: [one] })).toEqual({ count: 1, tenants: [one] })
  await ended(world, runId)
  const price = await rehome.price(runId, { errand: 'rollback', all: true })
  expect(price.tenants).toHaveLength(3)
  expect(price.passedOver).toEqual({ rolled_back: 1 })
  expect(price.costs).toEqual([expect.stringMatching(/^3 tenants: no rollback window; refused/)])
  expect(await rehome.rollback(runId, { all: true, limit: 2 })).toMatchObject({ count: 2 })
  await ended(world, runId)
  expect(await rehome.cleanup(runId, { all: true, dryRun: true })).toMatchObject({ count: 4 })
  await worker.close()

  const back = await rehome.enqueue(world.plan(), { dryRun: true })
  expect(back).toMatchObject({ passedOver: { moved: 5, busy: 0 } })
  expect(back.tenants).toHaveLength(3)
})

test('a tenant that has moved is passed over by name too, when its old copy is gone', async () => {
  await using other = await createWorld()
  await other.addTenant('acme', 1)
  await using _worker = await other.work()
  const { runId } = await other.rehome.enqueue(other.plan())
  await ended(other, runId)
  await other.rehome.cleanup(runId ?? '', { all: true })
  await ended(other, runId)
  const again = await other.rehome.enqueue(other.plan(), { tenants: ['acme'] })
  const none = { runId: null, count: 0, tenants: [], waves: [], hold: null, schedule: null }
  expect(again).toEqual({ ...none, passedOver: { moved: 1, busy: 0 } })
})

test('a busy tenant is passed over alone, however many come after it', async () => {
  await using other = await createWorld()
  const many = `insert into tenants (id, name) select 't' || lpad(i::text, 4, '0'), 'x'
    from generate_series(1, 5100) i`
  await other.source.pool.query(many)
  const plan = other.plan()
  await other.rehome.enqueue(plan, { tenants: ['t0007'] })
  const { count, passedOver } = await other.rehome.enqueue(plan)
  expect({ count, passedOver }).toEqual({ count: 5_099, passedOver: { moved: 0, busy: 1 } })
})
