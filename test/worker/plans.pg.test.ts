// Workers that have different plans, side by side: each carries out the moves of its own plans.
import { expect, test } from 'vitest'
import { describeOnOneBackend } from '../helpers/backends.ts'
import { eventually } from '../helpers/eventually.ts'
import { ended, moveOf } from '../helpers/runs.ts'
import { createWorld, installPlans } from '../helpers/world.ts'

/** A plan of tenant a; its writer, who has not committed, keeps every attempt in its drain. */
async function worldThatDrains() {
  const world = await createWorld({ plan: { fence: { leaseMs: 30_000, drainMs: 20_000 } } })
  await world.addTenant('a', 3)
  const client = await world.source.pool.connect()
  await client.query(`begin; insert into visits values ('a', '2025-07-01', 1)`)
  return {
    world,
    async go() {
      await client.query('commit')
      client.release()
    },
  }
}

test('a run whose plan has changed can be called off, begun or not, and enqueued anew', async () => {
  const { world: opened, go } = await worldThatDrains()
  await using world = opened
  const { rehome } = world
  await world.addTenant('b', 3)
  const old = world.plan({ concurrency: 1 })
  const plan = world.plan({ concurrency: 1, tenants: ['a', 'b'] })
  const id = (await rehome.enqueue(old)).runId ?? ''
  const worker = await world.work([old])
  await eventually(async () => expect((await moveOf(world, id, 'a')).phase).toBe('drain'))
  await worker.close()
  await go()
  await using _worker = await world.work([plan])
  await eventually(async () => {
    expect(await rehome.notices(id)).toEqual([
      expect.stringMatching(/^no worker has .*`rehome cancel \S+ --all` and enqueue a new run$/),
    ])
  })
  const none = { count: 0, tenants: [] }
  const ends = { calledOff: { count: 2, tenants: ['a', 'b'] }, takenBack: none, forward: none }
  expect(await rehome.cancel(id, { dryRun: true })).toEqual(ends)
  // A rollback of the run would wait for the old plan, too.
  expect((await rehome.rollback(id, { tenants: ['a'] })).tenants).toEqual(['a'])
  expect(await rehome.notices(id)).toHaveLength(1)
  expect(await rehome.cancel(id)).toEqual(ends)
  const off = { open: false, phase: 'failed', error_code: 'CANCELLED' }
  for (const tenant of ['a', 'b']) expect(await moveOf(world, id, tenant)).toMatchObject(off)
  const next = (await rehome.enqueue(plan)).runId ?? ''
  for (const move of (await ended(world, next)).values()) {
    expect(move).toMatchObject({ phase: 'moved', error_code: null })
  }
})

describeOnOneBackend('workers with different plans', (backend) => {
  test('leave each other their moves, and a run without a worker waits for one', async () => {
    await using world = await createWorld({ backend })
    const planOf = (name: string, tenants: string[]) => world.plan({ name, tenants })
    const plans = [planOf('one', ['a', 'b', 'c']), planOf('two', ['d', 'e', 'f'])]
    const changed = planOf('two', ['g'])
    for (const tenant of ['a', 'b', 'c', 'd', 'e', 'f', 'g']) await world.addTenant(tenant, 1)
    await installPlans(world, plans)
    const { rehome } = world
    const runs: string[] = []
    for (const plan of [changed, ...plans]) runs.push((await rehome.enqueue(plan)).runId ?? '')
    const [waits = '', ...others] = runs
    await using _workers = await Promise.all(plans.map((plan) => world.work([plan]))).then(
      (workers) => ({
        [Symbol.asyncDispose]: async () =>
          void (await Promise.all(workers.map((worker) => worker.close()))),
      }),
    )
    for (const run of others) {
      for (const move of (await ended(world, run)).values()) {
        expect(move).toMatchObject({ phase: 'moved', attempt: 1, error_code: null })
      }
    }
    // A worker has the plan's name, and another text of it.
    expect(await moveOf(world, waits, 'g')).toMatchObject({ phase: 'queued', attempt: 0 })
    const jobs = rehome.queues.byErrand.move
    await eventually(async () => expect(await jobs.getDelayedCount()).toBe(1))
    expect(await rehome.notices(waits)).toEqual([
      expect.stringMatching(/^no worker has plan "two" as this run was enqueued with it: start/),
    ])
    await using _late = await world.work([changed])
    expect((await ended(world, waits)).get('g')).toMatchObject({ phase: 'moved', attempt: 1 })
  })
})
