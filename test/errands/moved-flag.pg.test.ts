// An end where a tenant has lived keeps its flag `moved`, whatever is called off or cleaned up
// later: an application with an old notion of the home cannot write there.
import { expect, test } from 'vitest'
import { postgres } from '../../src/plan/endpoint.ts'
import type { PlanInput } from '../../src/plan/plan.ts'
import { ended, expectHome, runAll, tryWrite } from '../helpers/runs.ts'
import { createWorld, type World } from '../helpers/world.ts'

const refused = '25006 rehome:fenced'

/** Inserts into a table that no foreign key protects. */
async function insertAt(world: World, end: 'source' | 'target'): Promise<string> {
  const insert = `insert into visits values ('acme', '2026-06-01', 1)`
  return await world[end].pool.query(insert).then(
    () => 'accepted',
    (error: { code: string; hint: string }) => `${error.code} ${error.hint}`,
  )
}

function backOf(world: World): PlanInput {
  const source = postgres({ urlFrom: 'TARGET_URL' })
  const target = postgres({ urlFrom: 'SOURCE_URL' })
  return world.plan({ name: 'back', source, target })
}

test('the target stays closed when the copy of a rolled back tenant is cleaned up', async () => {
  await using world = await createWorld()
  await world.addTenant('acme')
  await world.work()
  const run = await runAll(world)
  await world.rehome.rollback(run, { tenants: ['acme'] })
  await ended(world, run)
  await world.rehome.cleanup(run, { tenants: ['acme'] })
  await ended(world, run)
  expect(await insertAt(world, 'target')).toBe(refused)
  expect(await tryWrite(world, 'source', 'acme')).toBe('accepted')
  // And it is no obstacle to the next move.
  await runAll(world)
  await expectHome(world, 'acme', 'target')
})

test('the old home stays closed when a move back fails before anything is copied', async () => {
  await using world = await createWorld()
  await world.addTenant('acme')
  await world.work([world.plan(), backOf(world)])
  const run = await runAll(world)
  await world.rehome.cleanup(run, { tenants: ['acme'] })
  await ended(world, run)
  const ids = `select min(id)::text as id from notes where tenant_id = 'acme'`
  const { id } = (await world.target.pool.query(ids)).rows[0]
  await world.source.pool.query(`insert into tenants (id, name) values ('other', '')`)
  await world.source.pool.query(`insert into notes (id, tenant_id) values ($1, 'other')`, [id])
  const { runId } = await world.rehome.enqueue(backOf(world), { tenants: ['acme'] })
  const move = (await ended(world, runId)).get('acme')
  expect(move).toMatchObject({ phase: 'failed', error_code: 'ID_COLLISION' })
  expect(await insertAt(world, 'source')).toBe(refused)
  expect(await tryWrite(world, 'target', 'acme')).toBe('accepted')
})

test('the old home stays closed when a move back is called off', async () => {
  await using world = await createWorld()
  await world.addTenant('acme')
  await world.work([world.plan(), backOf(world)])
  await runAll(world)
  const locking = await world.target.pool.connect()
  await locking.query(`begin; update notes set body = '' where tenant_id = 'acme'`)
  const { runId } = await world.rehome.enqueue(backOf(world), { tenants: ['acme'] })
  for await (const { moves } of world.rehome.watch(runId ?? '', { everyMs: 5 })) {
    if (moves[0]?.phase === 'drain') break
  }
  await world.rehome.rollback(runId ?? '', { tenants: ['acme'] })
  await locking.query('rollback')
  locking.release()
  expect((await ended(world, runId)).get('acme')?.phase).toBe('rolled_back')
  expect(await insertAt(world, 'source')).toBe(refused)
  expect(await tryWrite(world, 'target', 'acme')).toBe('accepted')
})
