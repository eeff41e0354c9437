// What Bull Board shows of our queues, and what it may do to them: on both queue backends.
import { appRoutes } from '@bull-board/api/dist/routes.js'
import { expect, test } from 'vitest'
import { describeOnOneBackend } from '../helpers/backends.ts'
import { eventually } from '../helpers/eventually.ts'
import { noPoison } from '../helpers/moves/no-poison.ts'
import { ended, expectHome, moveOf, runAll } from '../helpers/runs.ts'
import { createWorld, type World } from '../helpers/world.ts'
import { ask, jobOf, openBoard, poison } from './board-world.ts'

const hostile = `<b>o'neil</b>/..`

/** Contents of the queues: jobs and their states, and whether they are held back. */
async function contents(world: World) {
  const queues = [...new Set(Object.values(world.rehome.queues.byErrand))]
  return await Promise.all(
    queues.map(async (queue) => ({
      paused: await queue.isPaused(),
      concurrency: await queue.getGlobalConcurrency(),
      jobs: await Promise.all(
        (await queue.getJobs()).map(async (job) => [job.id, await job.getState(), job.data]),
      ),
    })),
  )
}

describeOnOneBackend('Bull Board', (backend) => {
  test('names a job after its tenant, fills its ring, and leads to its page', async () => {
    await using world = await createWorld({ backend })
    await world.addTenant(hostile)
    await using _worker = await world.work()
    const runId = await runAll(world)
    await using board = await openBoard(world)
    const job = await jobOf(world, hostile, 'completed')
    const { json } = await ask(board, '/api/queues?activeQueue=rehome-moves&status=completed')
    expect(json).toMatchObject({
      queues: [
        {
          name: 'rehome-moves',
          displayName: 'Moves',
          description: expect.stringContaining('Retry starts a failed one over'),
          allowRetries: true,
          allowCompletedRetries: false,
          readOnlyMode: false,
          // On PostgreSQL Bull Board cannot tell; that there is none it can.
          hasWorkers: backend.name === 'redis' ? true : null,
          counts: { completed: 1 },
          jobs: [
            {
              name: hostile,
              progress: { progress: 100, phase: 'release', rows: 51, rowsTotal: 51 },
              data: { runId, tenantId: hostile },
              returnValue: { phase: 'moved', pauseMs: expect.any(Number) },
              externalUrl: { href: `/tenants/${runId}/%3Cb%3Eo'neil%3C%2Fb%3E%2F%2E%2E` },
            },
          ],
        },
        { name: 'rehome-rollbacks', displayName: 'Rollbacks', allowRetries: false },
        { name: 'rehome-windows', displayName: 'Rollback windows', allowRetries: false },
        { name: 'rehome-cleanups', displayName: 'Clean-ups', allowRetries: false },
      ],
    })
    const logs = await ask(board, `/api/queues/rehome-moves/${job.id}/logs`)
    expect(logs.json).toEqual(
      expect.arrayContaining([expect.stringMatching(/^ +\d+\.\d\d s {2}copied notes: 10 rows/m)]),
    )
    expect((await ask(board, `/queue/rehome-moves/${job.id}`)).text).toContain('__UI_CONFIG__')
    expect(await ask(board, `/api/queues/rehome-moves/${job.id}/flow`)).toMatchObject({
      status: 200,
      json: { isFlowNode: false },
    })
  })

  test('says so when no worker takes jobs', async () => {
    await using world = await createWorld({ backend })
    await using board = await openBoard(world)
    const { json } = await ask(board, '/api/queues')
    expect(json).toMatchObject({ queues: Array(4).fill({ hasWorkers: false }) })
  })

  test('refuses every route that writes, except the few that are harmless', async () => {
    await using world = await createWorld({ backend, target: noPoison })
    for (const tenant of ['good', 'bad']) await world.addTenant(tenant)
    await poison(world, 'bad')
    const worker = await world.work()
    await runAll(world)
    await worker.close()
    await world.addTenant('waits')
    await world.rehome.enqueue(world.plan(), { tenants: ['waits'] })
    await using board = await openBoard(world)
    const ids = [
      await jobOf(world, 'good', 'completed'),
      await jobOf(world, 'bad', 'failed'),
      await jobOf(world, 'waits', 'waiting'),
    ].map((job) => job.id ?? '')
    const before = await contents(world)
    const routes = appRoutes.api.flatMap(({ method, route }) =>
      [method].flat().flatMap((m) => [route].flat().map((path) => [m, path] as const)),
    )
    const answered: string[] = []
    for (const [method, path] of routes) {
      if (method === 'get') continue
      const statuses: number[] = []
      for (const id of ids) {
        const filled = path
          .replace(':queueName', 'rehome-moves')
          .replace(':jobId', id)
          .replace(':queueStatus', 'completed')
        const asked = {
          method: method.toUpperCase(),
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({ name: 'x', data: {}, options: {}, concurrency: 1, force: true }),
        }
        if (/(retry|promote|pause|resume)(\/:queueStatus)?$/.test(path)) answered.push(path)
        else statuses.push((await ask(board, filled, asked)).status)
      }
      expect(new Set(statuses), `${method} ${path}`).toEqual(
        statuses[0] ? new Set([403]) : new Set(),
      )
    }
    expect([...new Set(answered)].toSorted()).toEqual([
      '/api/queues/:queueName/:jobId/promote',
      '/api/queues/:queueName/:jobId/retry',
      '/api/queues/:queueName/pause',
      '/api/queues/:queueName/promote',
      '/api/queues/:queueName/resume',
      '/api/queues/:queueName/retry/:queueStatus',
      '/api/queues/pause',
      '/api/queues/resume',
    ])
    expect(await contents(world)).toEqual(before)
    expect((await ask(board, '/api/redis/stats')).status).toBe(403)
    const clean = `/api/queues/rehome-moves/${ids[1]}/clean`
    const refused = await ask(board, clean, { method: 'PUT' })
    expect(refused.json).toEqual({
      error: 'Not possible here',
      message: expect.stringContaining('Jobs only refer to moves'),
    })
  })

  test('holds moves back and lets them go on', async () => {
    await using world = await createWorld({ backend })
    await world.addTenant('acme')
    await using board = await openBoard(world)
    const put = async (path: string) => (await ask(board, path, { method: 'PUT' })).status
    expect(await put('/api/queues/rehome-moves/pause')).toBe(200)
    await using _worker = await world.work()
    const { runId } = await world.rehome.enqueue(world.plan())
    const notices = async () => (await world.rehome.notices(runId ?? '')).join()
    expect(await notices()).toMatch(
      /^queue "rehome-moves" \(by somebody \(operator on the board\) since 20\S+\) is paused/,
    )
    expect(await put('/api/queues/resume')).toBe(200)
    expect(await notices()).not.toContain('is paused')
    expect(await put('/api/queues/pause')).toBe(200)
    expect((await contents(world)).map((queue) => queue.paused)).toEqual([true, true, true, true])
    expect(await put('/api/queues/rehome-rollbacks/resume')).toBe(200)
    expect((await contents(world)).map((queue) => queue.paused)).toEqual([true, false, true, true])
    expect(await put('/api/queues/rehome-moves/resume')).toBe(200)
    expect((await ended(world, runId)).get('acme')?.phase).toBe('moved')
  })

  test('counts as failed what status does: also what was called off before it began', async () => {
    await using world = await createWorld({ backend, target: noPoison })
    for (const tenant of ['acme', 'bad', 'late', 'left']) await world.addTenant(tenant, 2)
    await poison(world, 'bad')
    const runId = (await world.rehome.enqueue(world.plan())).runId ?? ''
    await world.rehome.cancel(runId, { tenants: ['late'] })
    await world.rehome.skip(runId, { tenants: ['left'] })
    await using _worker = await world.work()
    await ended(world, runId)
    await using board = await openBoard(world)
    await eventually(async () => {
      const { json } = await ask(board, '/api/queues?activeQueue=rehome-moves&status=failed')
      const [queue] = (json as { queues: { counts: object; jobs: { name: string }[] }[] }).queues
      expect(queue).toMatchObject({ counts: { failed: 3, completed: 1, waiting: 0 } })
      expect(queue?.jobs.map(({ name }) => name).toSorted()).toEqual(['bad', 'late', 'left'])
    })
    const { moves } = await world.rehome.status(runId)
    expect(moves.filter(({ phase }) => phase === 'failed')).toHaveLength(3)
    // A person's decision is taken back by name only.
    await world.rehome.retry(runId, { tenants: ['late'] })
    await eventually(async () =>
      expect(await moveOf(world, runId, 'late')).toMatchObject({ phase: 'moved' }),
    )
    expect((await world.rehome.queues.byErrand.move.getJobCounts('failed')).failed).toBe(2)
  })

  test('promotes a move that waits for its next attempt', async () => {
    const plan = { fence: { leaseMs: 3000, drainMs: 100 }, attempts: 5, backoffMs: 600_000 }
    await using world = await createWorld({ backend, plan })
    await world.addTenant('busy')
    const writer = await world.source.pool.connect()
    await writer.query('begin')
    await writer.query(`insert into notes (tenant_id, body) values ('busy', 'late')`)
    await using _worker = await world.work()
    const { runId } = await world.rehome.enqueue(world.plan())
    const job = await jobOf(world, 'busy', 'delayed')
    await writer.query('commit')
    writer.release()
    await using board = await openBoard(world)
    const path = `/api/queues/rehome-moves/${job.id}/promote`
    expect((await ask(board, path, { method: 'PUT' })).status).toBe(204)
    expect((await ended(world, runId)).get('busy')).toMatchObject({ phase: 'moved', attempt: 2 })
    await expectHome(world, 'busy', 'target')
    expect((await moveOf(world, runId ?? '', 'busy')).error_code).toBeNull()
  })
})
