// The ends at which a worker looks after fences, where the plan's functions choose them.
import { expect, test } from 'vitest'
import { closeControl, openControl } from '../../src/control/database.ts'
import { closeEnds, openEnds } from '../../src/coordinator/installation.ts'
import { checkPlan } from '../../src/plan/check-plan.ts'
import { postgres } from '../../src/plan/endpoint.ts'
import { byList } from '../../src/plan/homes/placement.ts'
import type { PlanInput } from '../../src/plan/plan.ts'
import { reap } from '../../src/stages/reap.ts'
import { eachInHand, endsInHand, tidyInHand } from '../../src/worker/ends-in-hand.ts'
import { createPlacesWorld, fill, makeTables, type PlacesWorld } from '../helpers/places/places.ts'

/** Two tenants in one database, and two more databases where each may go. */
async function createRegions(world: PlacesWorld) {
  const [main, eu, us] = [await world.database(), await world.database(), await world.database()]
  const end = ({ name }: typeof main) => postgres({ urlFrom: `URL_${name}` })
  for (const at of [main, eu, us]) await makeTables({ shape: 'column', tenant: '', at })
  const tenants = ['acme', 'other']
  for (const [i, tenant] of tenants.entries()) {
    await fill({ shape: 'column', tenant, at: main }, i + 1)
  }
  return { eu, us, tenants, ends: { main: end(main), eu: end(eu), us: end(us) } }
}

test('a changed plan looks after what it left, also beside tenants without a place', async () => {
  await using world = await createPlacesWorld()
  const { eu, us, ends, tenants } = await createRegions(world)
  const target = byList({ acme: 'eu', other: 'us' })
  const plan: PlanInput = world.use({ ends, source: () => 'main', target, tenants })
  await world.init()
  for (const tenant of tenants) await world.move(tenant)

  const look = async (changes: Partial<PlanInput>) => {
    const changed = checkPlan({ ...plan, ...changes })
    const opened = openEnds(changed, world.environment)
    const control = openControl(world.control.url)
    const places: string[] = []
    for await (const { ends } of endsInHand(control, { plan: changed, ends: opened })) {
      places.push(`${ends.target.place.split('/').at(-1)}`)
    }
    await Promise.all([closeEnds(opened), closeControl(control)])
    return places.toSorted()
  }
  const both = [eu.name, us.name].toSorted()
  expect(await look({ chunkRows: 13 })).toEqual(both)
  expect(await look({ target: byList({}, 'main') })).toEqual(both)
  expect(await look({ target: byList({ other: 'us' }) })).toEqual(both)
  const { us: _, ...fewer } = ends
  expect(await look({ ends: fewer, target: byList({ acme: 'eu' }) })).toEqual([eu.name])
})

test('ends are looked after until nothing but the log of a window is left, and when that ends', async () => {
  await using world = await createPlacesWorld()
  const { eu, us, ends, tenants } = await createRegions(world)
  const input = world.use({
    ...{ ends, tenants, source: () => 'main', target: byList({ acme: 'eu', other: 'us' }) },
    rollback: { windowMs: 3_600_000 },
  })
  await world.init()
  for (const tenant of tenants) await world.move(tenant)
  const plan = checkPlan(input)
  const opened = openEnds(plan, world.environment)
  const control = openControl(world.control.url)
  const look = async () => {
    const names: string[] = []
    await eachInHand(control, { plan, fingerprint: '', ends: opened }, async (inHand) => {
      names.push(`${inHand.ends.target.place.split('/').at(-1)}`)
      await tidyInHand(control, plan, inHand)
    })
    return names.toSorted()
  }
  const both = [eu.name, us.name].toSorted()
  const weeksAgo = `update rehome_control.moves set updated_at = now() - interval '3 weeks'`
  await world.control.pool.query(weeksAgo)
  expect(await look()).toEqual(both)
  // Their targets log as long as their windows last, for days.
  expect(await look()).toEqual([])
  await world.carry('acme', (run) => world.rehome.finalize(run, { tenants: ['acme'] }))
  expect(await look()).toEqual([eu.name])
  expect(await look()).toEqual([])
  await world.carry('acme', (run) => world.rehome.cleanup(run, { tenants: ['acme'] }))
  expect(await look()).toEqual([eu.name])
  expect(await look()).toEqual([])
  await us.pool.query(`update rehome.tenant_flags set capture_until = now(), expires_at = now()`)
  await world.control.pool.query(`update rehome_control.moves
    set window_until = now(), rested_at = now() - interval '1 h' where tenant_id = 'other'`)
  // Nothing has written there since, so the log lasts until a worker ends it.
  expect(await look()).toEqual([us.name])
  expect(await look()).toEqual([us.name])
  for await (const { ends } of endsInHand(control, { plan, ends: opened })) {
    expect(await reap(plan.scope, ends, control)).toHaveLength(1)
  }
  expect(await look()).toEqual([us.name])
  expect(await look()).toEqual([])
  await Promise.all([closeEnds(opened), closeControl(control)])
})
