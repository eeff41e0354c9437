// Events of runs that have ended for good are removed after a time, and nothing else is.
import { randomUUID } from 'node:crypto'
import { expect, test } from 'vitest'
import { askCleanup } from '../../src/control/ask.ts'
import {
  forgetEvents,
  forgetSome,
  retentionMs,
  runsToForget,
  setRetention,
} from '../../src/control/fleet/retention.ts'
import { claimMove, settleMove } from '../../src/control/moves.ts'
import { runEventsOf } from '../../src/control/steer.ts'
import { controlWith } from '../helpers/moves/control-with.ts'

type World = Awaited<ReturnType<typeof controlWith>>

/** Moves that ended two hours ago, with two events each. */
async function endedWorld(moves: number): Promise<World> {
  const world = await controlWith(moves)
  const past = `now() - interval '2 h'`
  await world.set(`open = false, phase = 'moved', settled_at = ${past}, updated_at = ${past}`)
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
const nothing = { events: 0, more: false }

test('events are kept until a retention is set, and removed in pages then', async () => {
  await using world = await endedWorld(1_001)
  const { control } = world
  expect([await retentionMs(control), await forgetEvents(control)]).toEqual([null, nothing])
  await setRetention(control, hourMs)
  expect(await forgetSome(control, 'run')).toEqual({ events: 2_000, more: true })
  expect(await forgetEvents(control)).toEqual({ events: 2, more: false })
  expect([await events(world), await forgetEvents(control)]).toEqual([0, nothing])
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
  ['a window has ended lately', `window_until = now() - interval '59 min' where tenant_id = 't1'`],
  ['a move has ended lately', `updated_at = now() - interval '59 min' where tenant_id = 't1'`],
])('events stay while %s', async (_, change) => {
  await using world = await endedWorld(3)
  await setRetention(world.control, hourMs)
  await world.set(change)
  expect(await runsToForget(world.control, hourMs)).toEqual([])
  expect(await forgetSome(world.control, 'run')).toEqual(nothing)
  expect(await forgetEvents(world.control)).toEqual(nothing)
  await world.set(`open = false, window_until = null, updated_at = now() - interval '2 h'`)
  expect(await runsToForget(world.control, hourMs)).toEqual(['run'])
  expect(await forgetEvents(world.control)).toEqual({ events: 6, more: false })
})

test('events of an errand on an old run are kept as long as those of a new run', async () => {
  await using world = await endedWorld(2)
  const { control, ids } = world
  await setRetention(control, hourMs)
  expect(await forgetEvents(control)).toEqual({ events: 4, more: false })
  const id = ids[0]?.id ?? ''
  await askCleanup(control, id, { by: 'Ann' })
  const claim = { id, errand: 'cleanup', token: randomUUID() } as const
  const claimed = await claimMove(control, claim)
  expect(await settleMove(control, { ...claim, attempt: 1 }, { phase: 'cleaned' })).toBe(true)
  expect([claimed?.tenant_id, await events(world), await forgetEvents(control)]).toEqual([
    ...['t0', 2],
    nothing,
  ])
  await world.set(`updated_at = now() - interval '61 min' where tenant_id = 't0'`)
  expect(await forgetEvents(control)).toEqual({ events: 2, more: false })
})

test('an errand that comes between two pages is not passed over by the cursor', async () => {
  await using world = await endedWorld(1_001)
  const { control } = world
  await setRetention(control, hourMs)
  expect(await forgetSome(control, 'run')).toEqual({ events: 2_000, more: true })
  await control.pool.query(`insert into rehome_control.events (move_id, attempt, kind, message)
    select id, 1, 'asked', 'by Ann' from rehome_control.moves where tenant_id = 't0'`)
  await world.set(`updated_at = now() - interval '61 min' where tenant_id = 't0'`)
  expect(await forgetEvents(control)).toEqual({ events: 3, more: false })
})
