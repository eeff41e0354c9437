// Workers die or receive SIGTERM: no move is lost and no tenant stays closed.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { expect, onTestFinished, test } from 'vitest'
import { describeOnOneBackend } from '../helpers/backends.ts'
import { eventually } from '../helpers/eventually.ts'
import { hearCalls } from '../helpers/moments/call-points.ts'
import { programFile } from '../helpers/processes/programs.ts'
import { ended, expectHome, moveOf, rowsAt, tryWrite } from '../helpers/runs.ts'
import { createWorld, type World } from '../helpers/world.ts'

const fence = { leaseMs: 3_000, drainMs: 2_000 }
const inChunks = { chunkRows: 20, attempts: 5, fence }
/** A chunk is committed there, and others are to come. */
const whileCopying = 'after copy target 12'

/** A worker process that is killed in the midst of the tenant's copy. Returns when it has died. */
async function dieCopying(world: World, tenant: string): Promise<string> {
  const child = spawn(process.execPath, [programFile('test/helpers/processes/worker-process.ts')], {
    env: {
      ...process.env,
      ...world.environment,
      PLAN_CHANGES: JSON.stringify(inChunks),
      ...{ FAIL_TENANT: tenant, FAIL_AT: whileCopying, FAIL_SIGNAL: 'SIGKILL' },
    },
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  const { runId } = await world.rehome.enqueue(world.plan())
  const [, signal] = await once(child, 'exit')
  expect(signal).toBe('SIGKILL')
  expect(await moveOf(world, runId ?? '', tenant)).toMatchObject({ phase: 'copy', open: true })
  return runId ?? ''
}

describeOnOneBackend('a worker', (backend) => {
  test('killed while copying is followed by another that resumes at the last chunk', async () => {
    await using world = await createWorld({ backend, plan: inChunks })
    await world.addTenant('acme', 200)
    const runId = await dieCopying(world, 'acme')
    // Its fence has to be taken over before the lease lapses for the rows to be still right.
    const flag = `update rehome.tenant_flags set expires_at = now() + interval '1 minute'`
    expect((await world.source.pool.query(flag)).rowCount).toBe(1)
    expect(await tryWrite(world, 'source', 'acme')).toBe('25006 rehome:fenced')
    await using _second = await world.work()
    const move = (await ended(world, runId)).get('acme')
    expect(move).toMatchObject({ phase: 'moved', attempt: 2 })
    const { events } = await world.rehome.show(runId, 'acme')
    expect(events.filter((event) => event.phase === 'preflight')).toHaveLength(1)
    expect(await rowsAt(world, 'target', 'acme')).toEqual(await rowsAt(world, 'source', 'acme'))
    await expectHome(world, 'acme', 'target')
  })

  test('killed while copying keeps no tenant closed beyond the lease', async () => {
    await using world = await createWorld({ backend, plan: inChunks })
    await world.addTenant('acme', 200)
    const runId = await dieCopying(world, 'acme')
    const left = `select extract(epoch from expires_at - clock_timestamp()) * 1000 as ms
      from rehome.tenant_flags`
    expect(Number((await world.source.pool.query(left)).rows[0].ms)).toBeLessThanOrEqual(3_000)
    await eventually(async () => expect(await tryWrite(world, 'source', 'acme')).toBe('accepted'))
    await using _second = await world.work()
    const move = (await ended(world, runId)).get('acme')
    expect(move).toMatchObject({ phase: 'moved' })
    // A slow machine may lose the lease of 3 s once more.
    expect(move?.attempt).toBeGreaterThan(1)
    expect(await rowsAt(world, 'target', 'acme')).toEqual(await rowsAt(world, 'source', 'acme'))
  })

  test('told to stop gives the tenant back at once, and the next one moves it', async () => {
    await using world = await createWorld({ backend, plan: inChunks })
    await world.addTenant('acme', 200)
    const first = await world.work()
    const copying = new Promise<void>((resolve) => {
      hearCalls('acme', ({ name }) => name === whileCopying && resolve())
    })
    const { runId } = await world.rehome.enqueue(world.plan())
    await copying
    await first.close()
    expect(await tryWrite(world, 'source', 'acme')).toBe('accepted')
    expect(await moveOf(world, runId ?? '', 'acme')).toMatchObject({ phase: 'queued', open: true })
    await using _second = await world.work()
    expect((await ended(world, runId)).get('acme')).toMatchObject({ phase: 'moved', attempt: 2 })
  })
})
