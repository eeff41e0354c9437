// Workers that come in each other's way: one whose event loop stands still for longer than its
// job's lock, two with the same job, one whose clock is wrong.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import { openControl } from '../../src/control/database.ts'
import { closeEnds, openEnds } from '../../src/coordinator/installation.ts'
import { createLog } from '../../src/log.ts'
import { checkPlan, fingerprintOf } from '../../src/plan/check-plan.ts'
import { attempt } from '../../src/worker/attempt.ts'
import { describeOnBackends } from '../helpers/backends.ts'
import { programFile } from '../helpers/programs.ts'
import { ended, expectHome, moveOf, rowsAt } from '../helpers/runs.ts'
import { createWorld, type World } from '../helpers/world.ts'

const timeout = 180_000
const slowly = { chunkRows: 20, attempts: 9, fence: { leaseMs: 2_000, drainMs: 2_000 } }

/** A worker process in its environment, which differs as told. */
async function workerProcess(world: World, differs: Record<string, string>, preload?: string) {
  const args = preload
    ? ['--import', 'tsx', '--import', fileURLToPath(new URL(preload, import.meta.url))]
    : []
  const script = programFile('test/helpers/worker-process.ts')
  const child = spawn(process.execPath, [...args, script], {
    env: {
      ...process.env,
      ...world.environment,
      PLAN_CHANGES: JSON.stringify(slowly),
      ...differs,
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  await once(child.stdout, 'data')
  return child
}

async function expectMoved(world: World, runId: string | null, tenant: string): Promise<void> {
  expect((await ended(world, runId)).get(tenant)?.phase).toBe('moved')
  expect(await rowsAt(world, 'target', tenant)).toEqual(await rowsAt(world, 'source', tenant))
  await expectHome(world, tenant, 'target')
}

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

test('two workers at one move at the same time bring it to one good end', { timeout }, async () => {
  await using world = await createWorld({ plan: slowly })
  await world.addTenant('acme', 500)
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
