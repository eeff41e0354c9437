// Moves at once at a server, over all runs and workers.
import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import {
  freeSlots,
  renewSlots,
  serverLimits,
  setServerLimit,
  takeSlots,
} from '../../src/control/fleet/server-slots.ts'
import { findPlannedMove } from '../../src/control/workers.ts'
import { controlWith } from '../helpers/moves/control-with.ts'
import { ended } from '../helpers/runs.ts'
import { createWorld } from '../helpers/world.ts'

const holderOf = (move: { id: string } | undefined) => ({
  moveId: move?.id ?? '',
  by: randomUUID(),
})

describe('slots of servers', () => {
  test('are taken at both ends or at none, and by the next attempt at the same move', async () => {
    await using world = await controlWith(3)
    const { control } = world
    const [first, second, third] = world.ids.map(holderOf)
    if (!first || !second || !third) throw new Error('three moves were asked for')
    expect(await takeSlots(control, first)).toBe(true)
    await setServerLimit(control, 'a', 2)
    await setServerLimit(control, 'b', 1)
    expect(await serverLimits(control)).toEqual({ a: 2, b: 1 })
    expect(await takeSlots(control, first)).toBe(true)
    expect(await takeSlots(control, second)).toBe(false)
    await setServerLimit(control, 'b', 2)
    // One of the two slots of `a` has stayed free.
    expect(await takeSlots(control, second)).toBe(true)
    expect(await takeSlots(control, third)).toBe(false)

    const again = { ...first, by: randomUUID() }
    expect(await takeSlots(control, again)).toBe(true)
    await freeSlots(control, first)
    expect(await takeSlots(control, third)).toBe(false)
    await freeSlots(control, again)
    expect(await takeSlots(control, third)).toBe(true)
    await setServerLimit(control, 'a', null)
    await setServerLimit(control, 'b', null)
    expect(await serverLimits(control)).toEqual({})
  })

  test('of an attempt that says nothing more are lost, and not while it does', async () => {
    await using world = await controlWith(2)
    const { control } = world
    const [first, second] = world.ids.map(holderOf)
    if (!first || !second) throw new Error('two moves were asked for')
    await setServerLimit(control, 'a', 1)
    await takeSlots(control, first)
    const passes = `update rehome_control.server_slots set taken_until = now() - interval '1 s'`
    await control.pool.query(passes)
    await renewSlots(control, first)
    expect(await takeSlots(control, second)).toBe(false)
    await control.pool.query(passes)
    expect(await takeSlots(control, second)).toBe(true)
    await renewSlots(control, first)
    await freeSlots(control, first)
    expect(await takeSlots(control, first)).toBe(false)
  })

  test('are never taken by more moves than there are, however many ask at once', async () => {
    await using world = await controlWith(20)
    const { control } = world
    await setServerLimit(control, 'a', 5)
    const holders = world.ids.map(holderOf)
    const ask = () => Promise.all(holders.map((holder) => takeSlots(control, holder)))
    // One that asks at the same time as others may have to ask again.
    const all = [await ask(), await ask()].map((taken) => taken.filter(Boolean).length)
    expect(Math.max(...all)).toBeLessThanOrEqual(5)
    expect(all[1]).toBe(5)
  })

  test('are needed until the cutover, where a server of the run has any', async () => {
    await using world = await controlWith(1)
    const { control } = world
    const needs = async () => (await findPlannedMove(control, world.ids[0]?.id ?? ''))?.needs_slot
    expect(await needs()).toBe(false)
    await setServerLimit(control, 'elsewhere', 1)
    expect(await needs()).toBe(false)
    await setServerLimit(control, 'b', 1)
    expect(await needs()).toBe(true)
    await control.pool.query(`update rehome_control.runs set target = 'https://b/tenants'`)
    expect(await needs()).toBe(true)
    await world.set(`phase = 'cutover'`)
    expect(await needs()).toBe(false)
  })
})

test('workers carry out no more moves at a server than it allows, and say so', async () => {
  let [now, most] = [0, 0]
  const drained = async () => {
    now += 1
    most = Math.max(most, now)
    await delay(100)
    now -= 1
  }
  const fence = { leaseMs: 3_000, drainMs: 2_000, drained }
  await using world = await createWorld({ plan: { concurrency: 3, fence } })
  const { rehome } = world
  for (const tenant of ['a', 'b', 'c', 'd', 'e']) await world.addTenant(tenant, 1)
  const run = (await rehome.enqueue(world.plan())).runId ?? ''
  const [server = ''] = (await rehome.status(run)).run.source.split('/')
  await rehome.limitMoves(2, { server })
  const told = `at most 2 moves at once at server ${server}: 0 are under way`
  expect(await rehome.notices(run)).toContain(told)
  await using _one = await world.work()
  await using _two = await world.work()
  const moves = await ended(world, run)
  for (const move of moves.values()) expect(move).toMatchObject({ phase: 'moved', attempt: 1 })
  expect(most).toBe(2)
  for (const wrong of [0, 1.5, 10_001]) {
    const refused = rehome.limitMoves(wrong, { server })
    await expect(refused).rejects.toMatchObject({ code: 'USAGE' })
  }
})
