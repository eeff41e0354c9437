// Workers that come in each other's way: one whose event loop stands still for longer than its
// job's lock, two with the same job.
import { once } from 'node:events'
import { expect, test } from 'vitest'
import { openControl } from '../../src/control/database.ts'
import { closeEnds, openEnds } from '../../src/coordinator/installation.ts'
import { createLog } from '../../src/log.ts'
import { checkPlan, fingerprintOf } from '../../src/plan/check-plan.ts'
import { attempt } from '../../src/worker/attempt.ts'
import { ended, moveOf } from '../helpers/runs.ts'
import { createWorld } from '../helpers/world.ts'
import { expectMoved, slowly, timeout, workerProcess } from './worker-process.ts'

test('a worker that stands still while it copies has lost its move when it goes on', {
  timeout,
}, async () => {
  await using world = await createWorld({ plan: slowly })
  await world.addTenant('acme', 200)
  const env = { FAIL_TENANT: 'acme', FAIL_AT: 'before copy target 9', FAIL_SIGNAL: 'BLOCK' }
  const blocked = await workerProcess(world, env)
  const { runId } = await world.rehome.enqueue(world.plan())
  await once(blocked.stdout, 'data')
  await using _second = await world.work()
  await ended(world, runId)
  blocked.kill('SIGTERM')
  await once(blocked, 'exit')
  await expectMoved(world, runId, 'acme')
  expect((await moveOf(world, runId ?? '', 'acme')).attempt).toBeGreaterThan(1)
})

test('two workers at one move at the same time bring it to one good end', { timeout }, async () => {
  await using world = await createWorld({ plan: slowly })
  await world.addTenant('acme', 200)
  const { runId } = await world.rehome.enqueue(world.plan())
  const { id: moveId } = await moveOf(world, runId ?? '', 'acme')
  const plan = checkPlan(world.plan())
  const ends = [openEnds(plan, world.environment), openEnds(plan, world.environment)]
  const control = openControl(world.control.url)
  const quiet = { report: () => {}, tell: () => {}, log: createLog({ level: 'silent' }) }
  const stop = new AbortController().signal
  const outcomes = await Promise.all(
    ends.map((own) =>
      attempt({
        ...quiet,
        control,
        plans: [{ plan, fingerprint: fingerprintOf(plan), ends: own }],
        moveId,
        errand: 'move',
        stop,
      }),
    ),
  )
  await Promise.all([...ends.map(closeEnds), control.pool.end()])
  expect(outcomes.filter(({ kind }) => kind === 'settled').length).toBeLessThanOrEqual(1)
  await using _worker = await world.work()
  await expectMoved(world, runId, 'acme')
})
