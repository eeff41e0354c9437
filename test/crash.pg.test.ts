// Workers die or are told to stop, queues forget: no move is lost and no tenant stays closed.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { expect, test } from 'vitest'
import { describeOnBackends } from './helpers/backends.ts'
import { eventually } from './helpers/eventually.ts'
import { ended, expectHome, moveOf, rowsAt, runAll, tryWrite } from './helpers/runs.ts'
import { createWorld, type World } from './helpers/world.ts'

const manyChunks = { chunkRows: 20, attempts: 5 }

async function workerProcess(world: World) {
  const child = spawn(process.execPath, ['--import', 'tsx', 'test/helpers/worker-process.ts'], {
    env: { ...process.env, ...world.environment, PLAN_CHANGES: JSON.stringify(manyChunks) },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await once(child.stdout, 'data')
  return child
}

async function copying(world: World, runId: string, rows: number): Promise<void> {
  for await (const { moves } of world.rehome.watch(runId, { everyMs: 5 })) {
    if (Number(moves[0]?.rows_copied) >= rows) return
    if (moves[0]?.phase === 'moved') throw new Error('too late')
  }
}

describeOnBackends('a worker', (backend) => {
  test('killed while copying is followed by another that resumes at the last chunk', async () => {
    await using world = await createWorld({ backend, plan: manyChunks })
    await world.addTenant('acme', 3000)
    const first = await workerProcess(world)
    const { runId } = await world.rehome.enqueue(world.plan())
    await copying(world, runId ?? '', 2000)
    first.kill('SIGKILL')
    await once(first, 'exit')
    // Its fence has to be taken over before the lease lapses for the rows to be still right.
    const flag = `update rehome.tenant_flags set expires_at = now() + interval '1 minute'`
    expect((await world.source.pool.query(flag)).rowCount).toBe(1)
    expect(await tryWrite(world, 'source', 'acme')).toBe('25006 rehome:fenced')
    await using _second = await world.work()
    const move = (await ended(world, runId)).get('acme')
    expect(move).toMatchObject({ phase: 'moved', attempt: 2 })
    const { events } = await world.rehome.show(runId ?? '', 'acme')
    expect(events.filter((event) => event.phase === 'preflight')).toHaveLength(1)
    expect(await rowsAt(world, 'target', 'acme')).toEqual(await rowsAt(world, 'source', 'acme'))
    await expectHome(world, 'acme', 'target')
  })

  test('killed while copying keeps no tenant closed beyond the lease', async () => {
    await using world = await createWorld({ backend, plan: manyChunks })
    await world.addTenant('acme', 3000)
    const worker = await workerProcess(world)
    const { runId } = await world.rehome.enqueue(world.plan())
    await copying(world, runId ?? '', 2000)
    worker.kill('SIGKILL')
    await once(worker, 'exit')
    const start = performance.now()
    await eventually(async () => expect(await tryWrite(world, 'source', 'acme')).toBe('accepted'))
    expect(performance.now() - start).toBeLessThan(4_500)
    await using _second = await world.work()
    expect((await ended(world, runId)).get('acme')).toMatchObject({ phase: 'moved', attempt: 2 })
    expect(await rowsAt(world, 'target', 'acme')).toEqual(await rowsAt(world, 'source', 'acme'))
  })

  test('told to stop gives the tenant back at once, and the next one moves it', async () => {
    await using world = await createWorld({ backend, plan: manyChunks })
    await world.addTenant('acme', 3000)
    const first = await world.work()
    const { runId } = await world.rehome.enqueue(world.plan())
    await copying(world, runId ?? '', 500)
    await first.close()
    expect(await tryWrite(world, 'source', 'acme')).toBe('accepted')
    expect(await moveOf(world, runId ?? '', 'acme')).toMatchObject({ phase: 'queued', open: true })
    await using _second = await world.work()
    expect((await ended(world, runId)).get('acme')).toMatchObject({ phase: 'moved', attempt: 2 })
  })
})

describeOnBackends('the queue', (backend) => {
  test('forgets everything, and nothing is lost', async () => {
    await using world = await createWorld({ backend })
    await world.addTenant('acme')
    const { runId } = await world.rehome.enqueue(world.plan())
    await world.rehome.queues.byErrand.move.obliterate({ force: true })
    await using _worker = await world.work()
    expect((await ended(world, runId)).get('acme')?.phase).toBe('moved')
  })

  test('runs a finished job again, and nothing happens', async () => {
    await using world = await createWorld({ backend })
    await world.addTenant('acme')
    await using _worker = await world.work()
    const runId = await runAll(world)
    const before = await moveOf(world, runId, 'acme')
    const job = await world.rehome.queues.byErrand.move.getJob(before.id)
    await eventually(async () => expect(await job?.getState()).toBe('completed'))
    await job?.retry('completed')
    await eventually(async () => {
      const again = await world.rehome.queues.byErrand.move.getJob(before.id)
      expect(again?.returnvalue).toMatchObject({ nothingToDo: true, phase: 'moved' })
    })
    expect(await moveOf(world, runId, 'acme')).toEqual(before)
  })

  test('holds a job whose data somebody changed, and no other tenant is touched', async () => {
    await using world = await createWorld({ backend })
    await world.addTenant('acme')
    await world.addTenant('other')
    const { runId } = await world.rehome.enqueue(world.plan(), { tenants: ['acme'] })
    const { id } = await moveOf(world, runId ?? '', 'acme')
    const job = await world.rehome.queues.byErrand.move.getJob(id)
    await job?.updateData({ ...job.data, tenantId: 'other' })
    await using _worker = await world.work()
    await eventually(async () => expect(await job?.isFailed()).toBe(true))
    expect(await rowsAt(world, 'target', 'other')).toEqual([])
    expect(await tryWrite(world, 'source', 'other')).toBe('accepted')
  })
})
