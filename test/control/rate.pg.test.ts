// How fast a plan's moves were, by those that have ended: what the estimate for windows reads.
import { expect, test } from 'vitest'
import { rateOf } from '../../src/control/fleet/holds.ts'
import { controlWith } from '../helpers/moves/control-with.ts'

test('the largest moves say how fast rows come, whatever small ones and holds took', async () => {
  await using world = await controlWith(300)
  expect(await rateOf(world.control, 'plan')).toBeNull()
  // Each takes 300 ms, whatever it has, and 1 ms for each 100 rows.
  const ended = (rows: string, which: string) =>
    world.set(`phase = 'moved', open = false, rows_copied = ${rows}, evidence = jsonb_build_object(
      'movePhaseMs', jsonb_build_object('copy', 300 + ${rows} / 100, 'hold', 86400000)) ${which}`)
  await ended('5', '')
  expect(await rateOf(world.control, 'plan')).toMatchObject({ largestRows: 5 })
  const large = `where tenant_id in ('t7', 't70', 't77')`
  await ended('1000000', large)
  const rate = await rateOf(world.control, 'plan')
  expect(rate).toEqual({ largestRows: 1_000_000, rowsPerMs: expect.closeTo(91, 0) })
  // Moves of other plans, and those that are not over, say nothing.
  expect(await rateOf(world.control, 'another')).toBeNull()
  await world.set(`phase = 'copy' ${large}`)
  expect(await rateOf(world.control, 'plan')).toMatchObject({ largestRows: 5 })
})
