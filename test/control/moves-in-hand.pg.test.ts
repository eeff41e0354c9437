// Moves whose ends a worker looks after while it carries out none there.
import { expect, test } from 'vitest'
import { inHandText, movesInHand, noteRest } from '../../src/control/due-moves.ts'
import { controlWith } from '../helpers/moves/control-with.ts'

/** Moves between ends of their own, that have begun an hour ago. */
async function controlWithOwn(moves: number) {
  const world = await controlWith(moves)
  await world.set(`source = 's', target = 't', phase = 'hold'`)
  return world
}

const tenants = (moves: readonly { readonly tenant_id: string }[]) =>
  moves.map(({ tenant_id: tenant }) => tenant)

test('moves whose home may have to be opened come first, however many others are in hand', async () => {
  await using world = await controlWithOwn(4_000)
  await world.set(`phase = 'cutover' where tenant_id = 't7'`)
  await world.set(`phase = 'undo_cutover' where tenant_id = 't8'`)
  await world.set(
    `phase = 'failed', error_code = 'UNEXPECTED', failed_phase = 'release', open = false
      where tenant_id = 't9'`,
  )
  const found = tenants(await movesInHand(world.control, 'plan'))
  expect(found).toHaveLength(200)
  expect(found.slice(0, 3).sort()).toEqual(['t7', 't8', 't9'])
})

test('a move that rests is taken in hand when it changes, and when its window ends', async () => {
  await using world = await controlWithOwn(2)
  const { control, set } = world
  await set(`phase = 'moved', open = false`)
  await set(`window_until = now() + interval '1 h' where tenant_id = 't1'`)
  const inHand = await movesInHand(control, 'plan')
  const windows = inHand.map(({ tenant_id: tenant, inWindow }) => [tenant, inWindow]).sort()
  expect(windows).toEqual([
    ['t0', false],
    ['t1', true],
  ])
  await noteRest(control, inHand)
  expect(await movesInHand(control, 'plan')).toEqual([])
  await set(`updated_at = clock_timestamp() where tenant_id = 't0'`)
  expect(tenants(await movesInHand(control, 'plan'))).toEqual(['t0'])
  // A window that ends between the look at the ends and its note has still to be looked at.
  await set(`updated_at = now() - interval '1 h'`)
  await set(`rested_at = null, window_until = clock_timestamp() + interval '300 ms'`)
  const before = await movesInHand(control, 'plan')
  expect(before.map(({ inWindow }) => inWindow)).toEqual([true, true])
  await control.pool.query('select pg_sleep(0.4)')
  await noteRest(control, before)
  const after = await movesInHand(control, 'plan')
  expect(after.map(({ inWindow }) => inWindow)).toEqual([false, false])
  await noteRest(control, after)
  expect(await movesInHand(control, 'plan')).toEqual([])
})

test('a look reads no more where 5,000 moves more rest in their windows', async () => {
  await using world = await controlWithOwn(5_000)
  const { control, set } = world
  await set(`phase = 'moved', open = false, rested_at = now(), window_until = now() + interval '1 d'
    where tenant_id <> 't3'`)
  await control.pool.query('vacuum full analyze rehome_control.moves')
  expect(tenants(await movesInHand(control, 'plan'))).toEqual(['t3'])
  const explain = `explain (analyze, buffers, format json) ${inHandText}`
  const { rows } = await control.pool.query(explain, ['plan'])
  const plan = rows[0]['QUERY PLAN'][0].Plan
  expect(plan['Shared Hit Blocks'] + plan['Shared Read Blocks']).toBeLessThan(20)
})
