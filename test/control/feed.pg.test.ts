// The backlog is the control database: which moves are next to have a job.
import { randomUUID } from 'node:crypto'
import { expect, test } from 'vitest'
import { openControl } from '../../src/control/database.ts'
import {
  aheadMax,
  feedText,
  takeNextMoves,
  unfedMoves,
} from '../../src/control/fleet/next-moves.ts'
import { insertRun } from '../../src/control/runs/runs.ts'
import { steerRun } from '../../src/control/steer.ts'
import { announceWorker } from '../../src/control/workers.ts'
import { controlWith, run } from '../helpers/moves/control-with.ts'

type Place = Awaited<ReturnType<typeof controlWith>>

interface Waiting {
  readonly moves: number
  readonly wave?: number
  readonly held?: boolean
}

/** A run whose moves wait for their jobs. */
async function waiting({ control }: Place, id: string, { moves, wave = 1, held }: Waiting) {
  const hold = held ? { held, completeAfter: null, windows: null } : undefined
  const all = Array.from({ length: moves }, (_, place) => {
    return { id: randomUUID(), tenant: `${id}${place}`, place, wave, hold }
  })
  const own = { ...run, id, scope: id, wave_count: 9 }
  await insertRun(control, own, { moves: all, errand: 'move', targetScope: id, hasJob: false })
}

async function aliveWorker({ control }: Place, plan = run.plan_fingerprint) {
  await announceWorker(control, { id: randomUUID(), fingerprints: [plan], aliveMs: 60_000 })
}

async function fed({ control }: Place): Promise<Record<string, number>> {
  const counts: Record<string, number> = {}
  for (const { run_id: id } of await takeNextMoves(control)) counts[id] = (counts[id] ?? 0) + 1
  return counts
}

const begins = (world: Place, id: string, most: number) =>
  world.set(`token = gen_random_uuid() where id in (select id from rehome_control.moves
    where run_id = '${id}' and has_job and token is null limit ${most})`)

test('only the next moves of a run have jobs, in its order, and others follow as they begin', async () => {
  await using world = await controlWith(0)
  await aliveWorker(world)
  await waiting(world, 'a', { moves: aheadMax + 30 })
  const first = await takeNextMoves(world.control)
  const names = Array.from({ length: aheadMax }, (_, i) => `a${i}`)
  expect(first.map((move) => move.tenant_id)).toEqual(names)
  expect(await fed(world)).toEqual({})
  await begins(world, 'a', 20)
  const next = await takeNextMoves(world.control)
  expect(next.map((move) => move.tenant_id)).toEqual(
    Array.from({ length: 20 }, (_, i) => `a${aheadMax + i}`),
  )
  expect(next[0]?.ahead).toBe(aheadMax - 20)
})

test('other errands of a run, however many, keep no jobs from its moves', async () => {
  await using world = await controlWith(0)
  await aliveWorker(world)
  await waiting(world, 'a', { moves: aheadMax + 3 })
  expect(await fed(world)).toEqual({ a: aheadMax })
  await world.set(`errand = 'cleanup' where has_job`)
  expect(await fed(world)).toEqual({ a: 3 })
})

test('other errands wait for their jobs, too, and a thousand of them have one', async () => {
  await using world = await controlWith(0)
  await aliveWorker(world)
  await waiting(world, 'a', { moves: aheadMax + 3 })
  await world.set(`errand = 'cleanup', phase = 'cleanup', generation = 1`)
  expect(await fed(world)).toEqual({ a: aheadMax })
  expect(await fed(world)).toEqual({})
  await begins(world, 'a', 2)
  expect(await fed(world)).toEqual({ a: 2 })
})

test('who asks for one run marks no moves of others, whose queue may be another', async () => {
  await using world = await controlWith(0)
  await aliveWorker(world)
  await waiting(world, 'a', { moves: 3 })
  await waiting(world, 'b', { moves: 2 })
  const own = await takeNextMoves(world.control, 'b')
  expect(own.map((move) => move.run_id)).toEqual(['b', 'b'])
  expect(await fed(world)).toEqual({ a: 3 })
})

test('runs have equal shares of the jobs that wait, and one that is small is fed whole', async () => {
  await using world = await controlWith(0)
  await aliveWorker(world)
  await waiting(world, 'large', { moves: aheadMax })
  await waiting(world, 'small', { moves: 3 })
  expect(await fed(world)).toEqual({ large: aheadMax / 2, small: 3 })
  expect(await fed(world)).toEqual({ large: aheadMax / 2 })
})

test('a run whose moves are not due yet takes no share of the others', async () => {
  await using world = await controlWith(0)
  await aliveWorker(world)
  await waiting(world, 'large', { moves: aheadMax })
  await waiting(world, 'later', { moves: 3 })
  await world.set(`not_before = now() + interval '1 h' where run_id = 'later'`)
  expect(await fed(world)).toEqual({ large: aheadMax })
})

test('moves that should have a job and have none are known, unless something holds them', async () => {
  await using world = await controlWith(0)
  await waiting(world, 'open', { moves: 3 })
  await waiting(world, 'later', { moves: 3, wave: 2 })
  await waiting(world, 'held', { moves: 3, held: true })
  await world.set(`updated_at = now() - interval '1 h', not_before = now() - interval '1 h'`)
  await world.set(`not_before = now() + interval '1 h' where tenant_id = 'open1'`)
  const unfed = async (most: number) =>
    (await unfedMoves(world.control, { untouchedS: 60, most })).map((move) => move.tenant_id)
  expect(await unfed(9)).toEqual(['open0', 'open2'])
  expect(await unfed(1)).toEqual(['open0'])
  await world.set('has_job = true')
  expect(await unfed(9)).toEqual([])
})

test('what holds moves back keeps their jobs away, and no other run waits for that', async () => {
  await using world = await controlWith(0)
  await aliveWorker(world)
  await waiting(world, 'paused', { moves: 3 })
  await waiting(world, 'later', { moves: 3, wave: 2 })
  await waiting(world, 'held', { moves: 3, held: true })
  await waiting(world, 'open', { moves: 3 })
  await world.set(`paused = 'now' where tenant_id = 'open1'`)
  const decision = { by: 'tester', change: { paused: 'now' }, kind: 'paused' } as const
  await steerRun(world.control, 'paused', decision)
  expect(await fed(world)).toEqual({ open: 2 })
  await world.control.pool.query('update rehome_control.runs set paused = null')
  await world.control.pool.query(`update rehome_control.runs set wave = 2 where id = 'later'`)
  await world.set('held = false, paused = null')
  expect(await fed(world)).toEqual({ paused: 3, later: 3, held: 3, open: 1 })
})

test('moves of a plan that no worker has wait here, unless their run is asked for', async () => {
  await using world = await controlWith(0)
  await waiting(world, 'a', { moves: 2 })
  await aliveWorker(world, 'another text')
  expect(await fed(world)).toEqual({})
  expect(await takeNextMoves(world.control, 'a')).toHaveLength(2)
  await waiting(world, 'b', { moves: 2 })
  await aliveWorker(world)
  expect(await fed(world)).toEqual({ b: 2 })
})

test('one look at a time, and the next one begins when the session of the first dies', async () => {
  await using world = await controlWith(0)
  await aliveWorker(world)
  await waiting(world, 'a', { moves: 2 })
  const other = openControl(world.control.url, 1)
  const leader = await other.pool.connect()
  leader.on('error', () => {})
  const { rows } = await leader.query('select pg_backend_pid() as pid')
  await leader.query('begin')
  await leader.query(feedText, [aheadMax, null])
  expect(await fed(world)).toEqual({})
  await world.control.pool.query('select pg_terminate_backend($1, 10000)', [rows[0].pid])
  leader.release(true)
  await other.pool.end()
  // Nothing that it had marked is lost.
  expect(await fed(world)).toEqual({ a: 2 })
})

async function pagesRead({ control }: Place): Promise<number> {
  const explain = `explain (analyze, buffers, format json) ${feedText}`
  const { rows } = await control.pool.query(explain, [aheadMax, null])
  const plan = rows[0]['QUERY PLAN'][0].Plan
  return plan['Shared Hit Blocks'] + plan['Shared Read Blocks']
}

test.each([
  ['of a paused run', `update rehome_control.runs set paused = 'now' where id = 'a'`],
  ['of a wave to come', 'update rehome_control.moves set wave = 2'],
  ['held before their start', 'update rehome_control.moves set held = true'],
  ['due later', `update rehome_control.moves set not_before = now() + interval '1 h'`],
  ['fed', 'update rehome_control.moves set has_job = true'],
  ['ended', `update rehome_control.moves set open = false, phase = 'moved'`],
])('a look reads few pages where there are 2,000 moves that are %s', async (_, change) => {
  await using world = await controlWith(0)
  await aliveWorker(world)
  await waiting(world, 'a', { moves: 2_000 })
  await world.control.pool.query(change)
  await world.control.pool.query('vacuum analyze rehome_control.moves')
  await waiting(world, 'b', { moves: 3 })
  expect(await pagesRead(world)).toBeLessThan(300)
})
