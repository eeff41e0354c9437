// What workers look for among all moves: the open ones, wherever they stand among those that ended.
import { randomUUID } from 'node:crypto'
import { expect, test } from 'vitest'
import type { Control } from '../../src/control/database.ts'
import { openMoves, openMovesMax } from '../../src/control/due-moves.ts'
import { announceWorker, dismissWorker, hasWorker } from '../../src/control/workers.ts'
import { controlWith } from '../helpers/control-with.ts'

async function look({ control }: { control: Control }, after: string = randomUUID()) {
  const found = await openMoves(control, { untouchedMs: 1_000, after })
  return { tenants: found.map((move) => move.tenant_id), last: found.at(-1)?.id ?? after }
}

test('a look at open moves finds no move that has ended, and none that is not due', async () => {
  await using world = await controlWith(8)
  await world.set(`open = false, phase = 'moved' where tenant_id in ('t0', 't1')`)
  await world.set(`not_before = now() + interval '1 h' where tenant_id = 't2'`)
  await world.set(`updated_at = now() where tenant_id = 't3'`)
  await world.set(`errand = 'rehearse' where tenant_id in ('t4', 't5')`)
  await world.set(`updated_at = now() - interval '1 min' where tenant_id in ('t5', 't6')`)
  expect((await look(world)).tenants.sort()).toEqual(['t4', 't6', 't7'])
})

test('a worker looks for moves of its own plans only', async () => {
  await using world = await controlWith(2)
  const look = async (fingerprints: readonly string[]) =>
    await openMoves(world.control, { untouchedMs: 0, after: randomUUID(), fingerprints })
  expect(await look(['another', 'text'])).toHaveLength(2)
  expect(await look(['another'])).toEqual([])
})

test('a worker counts as alive for a while after its last word', async () => {
  await using world = await controlWith(0)
  const { control } = world
  const worker = { id: randomUUID(), fingerprints: ['a', 'b'], aliveMs: 60_000 }
  await announceWorker(control, worker)
  expect([await hasWorker(control, 'b'), await hasWorker(control, 'c')]).toEqual([true, false])
  await announceWorker(control, { ...worker, aliveMs: -1 })
  expect(await hasWorker(control, 'b')).toBe(false)
  await announceWorker(control, worker)
  await dismissWorker(control, worker.id)
  expect(await hasWorker(control, 'b')).toBe(false)
})

test('looks go round, so that each of many open moves is looked at', async () => {
  await using world = await controlWith(2 * openMovesMax + 50)
  const seen = new Set<string>()
  let after: string = randomUUID()
  for (let looks = 0; looks < 3; looks += 1) {
    const { tenants, last } = await look(world, after)
    expect(tenants).toHaveLength(openMovesMax)
    for (const tenant of tenants) seen.add(tenant)
    after = last
  }
  expect(seen.size).toBe(2 * openMovesMax + 50)
  const elsewhere = await look(world)
  expect(elsewhere.tenants).not.toEqual((await look(world)).tenants)
})

test('a look at open moves among many that have ended reads an index', async () => {
  await using world = await controlWith(3_000)
  await world.set(`open = false, phase = 'moved' where tenant_id <> 't7'`)
  await world.control.pool.query('vacuum analyze rehome_control.moves')
  const { rows } = await world.control.pool.query(
    `explain select * from rehome_control.moves
     where open and id > '${randomUUID()}' order by id limit 200`,
  )
  expect(rows.map((row) => row['QUERY PLAN']).join('\n')).toContain('open_moves')
})
