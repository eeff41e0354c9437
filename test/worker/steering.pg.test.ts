// A person who pauses, resumes, cancels and skips, while workers are at the moves of a run.
import { expect, test } from 'vitest'
import { describeOnOneBackend } from '../helpers/backends.ts'
import { eventually } from '../helpers/eventually.ts'
import { ended, expectHome, flagsAt, moveOf, rowsAt, tryWrite } from '../helpers/runs.ts'
import { createWorld, type World } from '../helpers/world.ts'

/** A writer of tenant a, for whom the drain waits until the returned function is called. */
async function drainWaits(world: World): Promise<() => Promise<void>> {
  const client = await world.source.pool.connect()
  await client.query(`begin; insert into visits values ('a', '2025-07-01', 1)`)
  return async () => {
    await client.query('commit')
    client.release()
  }
}

/** Waits until tenant a is fenced, with an attempt that waits for its writer. */
async function draining(world: World, runId: string): Promise<void> {
  await eventually(async () => {
    expect((await moveOf(world, runId, 'a')).phase).toBe('drain')
    expect(await tryWrite(world, 'source', 'a')).toBe('25006 rehome:fenced')
  })
}

const withinMs = 2_000
const slow = { fence: { leaseMs: 30_000, drainMs: 20_000 }, concurrency: 1 }
const reason = { reason: 'a slow night' }

describeOnOneBackend('a run', (backend) => {
  test('that is paused gives tenants their writes back, and goes on when it is resumed', async () => {
    await using world = await createWorld({ plan: slow, backend, reconcileEveryMs: 60_000 })
    const { rehome } = world
    for (const tenant of ['a', 'b']) await world.addTenant(tenant, 3)
    const go = await drainWaits(world)
    const { runId } = await rehome.enqueue(world.plan())
    const id = runId ?? ''
    await using _worker = await world.work()
    await draining(world, id)

    expect(await rehome.pause(id, reason)).toEqual({ count: 2, tenants: ['a', 'b'] })
    await eventually(async () => expect(await tryWrite(world, 'source', 'a')).toBe('accepted'), {
      withinMs,
    })
    const waiting = { phase: 'queued', open: true, attempts_used: 0 }
    await eventually(async () => {
      expect(await moveOf(world, id, 'a')).toMatchObject({ ...waiting, error_code: 'PAUSED' })
    })
    await go()
    // Each job was taken, and waits.
    const jobs = rehome.queues.byErrand.move
    await eventually(async () => expect(await jobs.getDelayedCount()).toBe(2))
    expect(await moveOf(world, id, 'b')).toMatchObject({ ...waiting, attempt: 0 })
    const [notice] = await rehome.notices(id)
    expect(notice).toMatch(/^paused by tester since \S+ \(a slow night\): no move begins until/)

    expect(await rehome.resume(id)).toEqual({ count: 2, tenants: ['a', 'b'] })
    for (const move of (await ended(world, id)).values()) {
      expect(move).toMatchObject({ phase: 'moved', error_code: null, attempts_used: 1 })
    }
    expect(await rehome.notices(id)).toEqual([])
    const kinds = (await rehome.history(id)).map(({ kind, by, reason: why }) => [kind, by, why])
    expect(kinds).toEqual([
      ['resumed', 'tester', null],
      ['paused', 'tester', 'a slow night'],
    ])
  })
})

test('a paused run whose moves may finish begins no other one', async () => {
  await using world = await createWorld({ plan: slow, reconcileEveryMs: 100 })
  for (const tenant of ['a', 'b', 'c']) await world.addTenant(tenant, 3)
  const go = await drainWaits(world)
  const id = (await world.rehome.enqueue(world.plan())).runId ?? ''
  await using _worker = await world.work()
  await draining(world, id)
  await world.rehome.pause(id, { finish: true })
  await world.rehome.pause(id, { tenants: ['c'], ...reason })
  await go()
  await eventually(async () => expect(await moveOf(world, id, 'a')).toMatchObject({ open: false }))
  await expectHome(world, 'a', 'target')
  // Its job comes to the worker after that of the first tenant has ended.
  const jobs = world.rehome.queues.byErrand.move
  await eventually(async () => expect(await jobs.getDelayedCount()).toBe(2))
  expect(await moveOf(world, id, 'b')).toMatchObject({ attempt: 0, phase: 'queued' })

  const tenant = { tenants: ['c'] }
  await expect(world.rehome.resume(id, tenant)).rejects.toMatchObject({ code: 'NOT_ALLOWED_NOW' })
  expect(await world.rehome.resume(id)).toEqual({ count: 1, tenants: ['b'] })
  await eventually(async () => expect(await moveOf(world, id, 'b')).toMatchObject({ open: false }))
  expect(await world.rehome.notices(id)).toEqual(['paused by themselves: "c"'])
  const { events } = await world.rehome.show(id, 'c')
  expect(events.at(-1)?.message).toBe('paused by tester: a slow night')
  expect(await world.rehome.resume(id, tenant)).toEqual({ count: 1, tenants: ['c'] })
  expect((await ended(world, id)).get('c')).toMatchObject({ phase: 'moved' })
})

test('a run that is cancelled leaves every tenant at its source, writable and whole', async () => {
  await using world = await createWorld({ plan: slow })
  for (const tenant of ['a', 'b', 'c']) await world.addTenant(tenant, 3)
  const go = await drainWaits(world)
  const id = (await world.rehome.enqueue(world.plan())).runId ?? ''
  await using _worker = await world.work()
  await draining(world, id)
  const reached = (...tenants: string[]) => ({ count: tenants.length, tenants })
  const forms = { calledOff: reached('b', 'c'), takenBack: reached('a'), forward: reached() }
  expect(await world.rehome.cancel(id, { dryRun: true })).toEqual(forms)
  expect((await world.rehome.skip(id, { tenants: ['c'] })).tenants).toEqual(['c'])
  expect(await world.rehome.cancel(id, reason)).toEqual({
    ...{ ...forms, calledOff: reached('b') },
  })
  const written = async () => expect(await tryWrite(world, 'source', 'a')).toBe('accepted')
  await eventually(written, { withinMs })
  await go()
  const moves = await ended(world, id)
  expect(moves.get('a')).toMatchObject({ phase: 'rolled_back' })
  expect(moves.get('b')).toMatchObject({ phase: 'failed', error_code: 'CANCELLED', attempt: 0 })
  expect(moves.get('b')?.error_message).toBe('called off by tester: a slow night')
  expect(moves.get('c')).toMatchObject({ phase: 'failed', error_code: 'SKIPPED' })
  expect(await rowsAt(world, 'target', 'a')).toEqual([])
  expect([await flagsAt(world, 'source'), await flagsAt(world, 'target')]).toEqual([[], []])

  // A retry of all leaves them alone; a retry by name does not.
  expect((await world.rehome.retry(id)).tenants).toEqual([])
  expect((await world.rehome.retry(id, { tenants: ['b'] })).tenants).toEqual(['b'])
  expect((await ended(world, id)).get('b')).toMatchObject({ phase: 'moved' })
  const past = world.rehome.cancel(id, { tenants: ['b'] })
  await expect(past).rejects.toMatchObject({ code: 'NOT_ALLOWED_NOW' })
})
