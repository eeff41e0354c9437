// Events of runs that have ended for good are removed after a time, and nothing else is.
import { expect, test } from 'vitest'
import {
  forgetEvents,
  forgetSome,
  retentionMs,
  runsToForget,
  setRetention,
} from '../../src/control/fleet/retention.ts'
import { runEventsOf } from '../../src/control/steer.ts'
import { controlWith } from '../helpers/moves/control-with.ts'

type World = Awaited<ReturnType<typeof controlWith>>

/** Moves that ended two hours ago, with two events each. */
async function endedWorld(moves: number): Promise<World> {
  const world = await controlWith(moves)
  const past = `now() - interval '2 h'`
  await world.set(`open = false, phase = 'moved', settled_at = ${past}`)
  await world.control.pool.query(`update rehome_control.runs set created_at = ${past}`)
  await world.control.pool.query(`insert into rehome_control.events (move_id, attempt, kind, message)
    select id, 1, 'phase', 'copy' from rehome_control.moves, generate_series(1, 2)`)
  return world
}

async function events({ control }: World): Promise<number> {
  const query = 'select count(*)::int as count from rehome_control.events'
  return (await control.pool.query(query)).rows[0].count
}

const hourMs = 3_600_000

test('events are kept until a retention is set, and removed in pages then', async () => {
  await using world = await endedWorld(1_001)
  const { control } = world
  expect([await retentionMs(control), await forgetEvents(control)]).toEqual([null, 0])
  await setRetention(control, hourMs)
  expect(await forgetSome(control, 'run')).toEqual({ events: 2_000, more: true })
  expect(await forgetEvents(control)).toBe(2)
  expect([await events(world), await forgetEvents(control)]).toEqual([0, 0])
  const [told] = await runEventsOf(control, 'run')
  expect(told).toMatchObject({ kind: 'forgotten', by: 'the retention' })
  const { rows } = await control.pool.query(
    'select count(*)::int as count from rehome_control.moves',
  )
  expect(rows[0].count).toBe(1_001)
})

test.each([
  ['a move is open', `open = true, errand = 'cleanup' where tenant_id = 't1'`],
  ['a tenant can come back', `window_until = now() + interval '1 s' where tenant_id = 't1'`],
  ['a move has ended lately', `settled_at = now() - interval '59 min' where tenant_id = 't1'`],
])('events stay while %s', async (_, change) => {
  await using world = await endedWorld(3)
  await setRetention(world.control, hourMs)
  await world.set(change)
  expect(await runsToForget(world.control, hourMs)).toEqual([])
  expect(await forgetEvents(world.control)).toBe(0)
  await world.set(`open = false, window_until = null, settled_at = now() - interval '2 h'`)
  expect(await runsToForget(world.control, hourMs)).toEqual(['run'])
  expect([await forgetEvents(world.control), await events(world)]).toEqual([6, 0])
})
