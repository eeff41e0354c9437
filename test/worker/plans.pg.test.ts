// Workers that have different plans, side by side: each carries out the moves of its own plans.
import { expect, test } from 'vitest'
import { describeOnBackends } from '../helpers/backends.ts'
import { eventually } from '../helpers/eventually.ts'
import { ended, moveOf } from '../helpers/runs.ts'
import { createWorld, installPlans } from '../helpers/world.ts'

describeOnBackends('workers with different plans', (backend) => {
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
