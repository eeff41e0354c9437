// What a contraction of the schema waits for: no tenant is under way, or can come back.
import { expect, test } from 'vitest'
import { unfinishedMoves } from '../../src/control/schema/schema-statements.ts'
import { controlWith, run } from '../helpers/moves/control-with.ts'

test('tenants can come back until their window ends, also while this is being audited', async () => {
  await using world = await controlWith(6)
  const { control } = world
  const look = async () => await unfinishedMoves(control, run.plan_name)
  const inWindow = `window_until = now() + interval '1 h'`
  await world.set(`open = false, phase = 'cleaned'`)
  await world.set(`phase = 'moved', window_until = now() - interval '1 h' where tenant_id = 't0'`)
  expect(await look()).toMatchObject({ open: 0, inWindow: 0, moved: 6 })
  await world.set(`phase = 'moved', ${inWindow} where tenant_id = 't1'`)
  await world.set(`open = true, errand = 'audit', phase = 'moved', ${inWindow}
    where tenant_id = 't2'`)
  await world.set(`open = true, errand = 'audit', phase = 'audit',
    window_until = now() + interval '2 h' where tenant_id = 't3'`)
  const { windowUntil, ...counts } = await look()
  expect(counts).toEqual({ open: 0, inWindow: 3, moved: 6 })
  expect(windowUntil?.getTime()).toBeGreaterThan(Date.now() + 90 * 60_000)
  await world.set(`errand = 'rollback' where tenant_id = 't3'`)
  expect(await look()).toMatchObject({ open: 1 })
})
