// Workers whose event loop stands still for longer than their job's lock, at more places, and
// workers whose clock is wrong.
import { once } from 'node:events'
import { expect, test } from 'vitest'
import { describeOnBackends } from '../helpers/backends.ts'
import { ended, moveOf } from '../helpers/runs.ts'
import { createWorld } from '../helpers/world.ts'
import { expectMoved, slowly, timeout, workerProcess } from './worker-process.ts'

describeOnBackends('a worker', (backend) => {
  test.each(['before copy target 8', 'before preflight target 6', 'before fence source flags 1'])(
    'whose event loop stands still %s has lost its move when it goes on',
    { timeout },
    async (at) => {
      await using world = await createWorld({ backend, plan: slowly })
      await world.addTenant('acme', 200)
      const env = { FAIL_TENANT: 'acme', FAIL_AT: at, FAIL_SIGNAL: 'BLOCK' }
      const blocked = await workerProcess(world, env)
      const { runId } = await world.rehome.enqueue(world.plan())
      await once(blocked.stdout, 'data')
      await using _second = await world.work()
      await ended(world, runId)
      blocked.kill('SIGTERM')
      await once(blocked, 'exit')
      await expectMoved(world, runId, 'acme')
      expect((await moveOf(world, runId ?? '', 'acme')).attempt).toBeGreaterThan(1)
    },
  )

  test.each([10, -10])(
    'whose clock is off by %i minutes moves tenants',
    { timeout },
    async (min) => {
      await using world = await createWorld({ backend, plan: slowly })
      await world.addTenant('acme', 200)
      const env = { CHAOS_CLOCK_MS: String(min * 60_000) }
      await workerProcess(world, env, '../../chaos/clock-preload.ts')
      const { runId } = await world.rehome.enqueue(world.plan())
      await expectMoved(world, runId, 'acme')
    },
  )
})
