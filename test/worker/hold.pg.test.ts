// Moves that are held before their cutover: they keep up without occupying a place, and cut over
// when somebody completes them, whatever happens meanwhile.
import { expect, test } from 'vitest'
import { proxyTo } from '../faults/proxied.ts'
import { hearing, openAttempts } from '../helpers/attempts.ts'
import { eventually } from '../helpers/eventually.ts'
import { ended, expectHome, flagsAt, moveOf, rowsAt, tryWrite, writeAt } from '../helpers/runs.ts'
import { onlinePlan } from '../helpers/way-back.ts'
import { createWorld, type World } from '../helpers/world.ts'

const plan = { ...onlinePlan, concurrency: 1, hold: { everyMs: 200 } }
const held = { phase: 'hold', open: true, held: true, error_code: null, attempts_used: 0 }

async function allHeld(world: World, run: string, tenants: readonly string[]): Promise<void> {
  await eventually(
    async () => {
      for (const tenant of tenants) expect(await moveOf(world, run, tenant)).toMatchObject(held)
    },
    { withinMs: 30_000 },
  )
}

async function keepsUp(world: World, tenant: string): Promise<void> {
  await eventually(async () => {
    const [source, target] = [
      await rowsAt(world, 'source', tenant),
      await rowsAt(world, 'target', tenant),
    ]
    expect(target).toEqual(source)
  })
}

const eventsOf = async (world: World, run: string, tenant: string) =>
  (await world.rehome.show(run, tenant)).events.map(({ kind, message }) => `${kind}: ${message}`)

test('held tenants keep up without a place of their own, and cut over when somebody completes them', async () => {
  await using world = await createWorld({ plan, reconcileEveryMs: 300 })
  for (const tenant of ['a', 'b', 'c']) await world.addTenant(tenant, 1)
  const { runId, hold } = await world.rehome.enqueue(world.plan(), { until: 'verify' })
  const run = runId ?? ''
  expect(hold).toEqual({
    before: 'cutover',
    untilCompleted: true,
    completeAfter: null,
    windows: null,
  })
  await using _worker = await world.work()
  await allHeld(world, run, ['a', 'b', 'c'])
  const notice = `3 tenant(s) are held until \`rehome complete ${run}\`, before their cutover`
  expect(await world.rehome.notices(run)).toEqual([notice])

  const before = await eventsOf(world, run, 'a')
  expect(before.at(-1)).toBe(
    `waiting: held before its cutover until \`rehome complete ${run}\`; keeps up`,
  )
  for (let i = 0; i < 2; i += 1) {
    await writeAt(world, 'source', 'a')
    await keepsUp(world, 'a')
  }
  // Looks that find nothing new leave no events, and are no attempts.
  expect(await eventsOf(world, run, 'a')).toEqual(before)
  await eventually(async () => {
    expect(await moveOf(world, run, 'a')).toMatchObject({ ...held, attempt: 1 })
  })
  await expectHome(world, 'a', 'source')

  const reason = 'Monday morning'
  expect((await world.rehome.complete(run, { dryRun: true })).tenants).toEqual(['a', 'b', 'c'])
  expect((await world.rehome.complete(run, { tenants: ['a'], reason })).tenants).toEqual(['a'])
  await eventually(async () => expect(await moveOf(world, run, 'a')).toMatchObject({ open: false }))
  await expectHome(world, 'a', 'target')
  expect(await eventsOf(world, run, 'a')).toContain(`asked: completed by tester: ${reason}`)
  await allHeld(world, run, ['b', 'c'])
  const again = world.rehome.complete(run, { tenants: ['a'] })
  await expect(again).rejects.toMatchObject({ code: 'NOT_ALLOWED_NOW' })

  expect((await world.rehome.complete(run)).tenants).toEqual(['b', 'c'])
  for (const move of (await ended(world, run)).values()) {
    expect(move).toMatchObject({ phase: 'moved', error_code: null })
  }
  const history = (await world.rehome.history(run)).map(({ kind, by, data }) => [kind, by, data])
  expect(history[0]).toEqual(['completed', 'tester', { tenants: 2 }])
})

test('a move with a date is ready before, and cuts over when it comes', async () => {
  const completeAfter = '2037-01-01T00:00:00.000Z'
  await using world = await createWorld({ plan: { ...plan, completeAfter } })
  await world.addTenant('a', 3)
  const run = (await world.rehome.enqueue(world.plan())).runId ?? ''
  await using attempts = openAttempts(world)
  expect(await attempts.try('a')).toMatchObject({ kind: 'held' })
  expect(await world.rehome.notices(run)).toContain(
    `1 tenant(s) are held until ${completeAfter}, before their cutover`,
  )
  // So near that the attempt which cuts over begins, and waits for it in its place.
  const query = `update rehome_control.moves
    set complete_after = clock_timestamp() + interval '900 ms' returning complete_after as date`
  const { date } = (await world.control.pool.query(query)).rows[0]
  expect(await attempts.try('a')).toMatchObject({ kind: 'settled', phase: 'moved' })
  expect((await moveOf(world, run, 'a')).settled_at?.getTime()).toBeGreaterThan(date.getTime())
})

test('moves of an offline plan are held before anything of theirs is copied', async () => {
  const offline = { windowMs: 0 }
  await using world = await createWorld({ plan: { rollback: offline }, reconcileEveryMs: 200 })
  await world.addTenant('a', 3)
  const { runId, hold } = await world.rehome.enqueue(world.plan(), { until: 'verify' })
  const run = runId ?? ''
  expect(hold).toMatchObject({ before: 'start', untilCompleted: true })
  await using _worker = await world.work()
  const jobs = world.rehome.queues.byErrand.move
  expect(await jobs.count()).toBe(0)
  expect(await moveOf(world, run, 'a')).toMatchObject({ phase: 'queued', attempt: 0 })
  expect(await rowsAt(world, 'target', 'a')).toEqual([])
  expect(await world.rehome.notices(run)).toContain(
    `1 tenant(s) are held until \`rehome complete ${run}\`, before their start: nothing of theirs is copied yet`,
  )
  expect((await world.rehome.complete(run)).tenants).toEqual(['a'])
  expect((await ended(world, run)).get('a')).toMatchObject({ phase: 'moved' })
})

test('a held tenant is paused, resumed and cancelled like any other', async () => {
  await using world = await createWorld({ plan, reconcileEveryMs: 200 })
  for (const tenant of ['a', 'b']) await world.addTenant(tenant, 3)
  const run = (await world.rehome.enqueue(world.plan(), { until: 'verify' })).runId ?? ''
  await using _worker = await world.work()
  await allHeld(world, run, ['a', 'b'])
  expect(await world.rehome.pause(run)).toEqual({ count: 2, tenants: ['a', 'b'] })
  await writeAt(world, 'source', 'a')
  // A hold that ends in a pause has ended after it.
  expect((await world.rehome.complete(run, { tenants: ['a'] })).tenants).toEqual(['a'])
  expect(await tryWrite(world, 'source', 'a')).toBe('accepted')
  expect((await moveOf(world, run, 'a')).open).toBe(true)
  expect(await world.rehome.resume(run)).toEqual({ count: 2, tenants: ['a', 'b'] })
  await eventually(async () => expect((await moveOf(world, run, 'a')).phase).toBe('moved'))
  expect(await world.rehome.cancel(run, { tenants: ['b'] })).toMatchObject({
    takenBack: { tenants: ['b'] },
  })
  expect((await ended(world, run)).get('b')).toMatchObject({ phase: 'rolled_back' })
  await expectHome(world, 'a', 'target')
  expect(await rowsAt(world, 'target', 'b')).toEqual([])
  expect(await tryWrite(world, 'source', 'b')).toBe('accepted')
  expect(await flagsAt(world, 'source')).toEqual([['a', 'moved']])
})

test('a hold outlasts an end that is away, and copies again what a schema change has touched', async () => {
  await using world = await createWorld({
    plan: { ...plan, attempts: 1, hold: { everyMs: 60_000 } },
  })
  await world.addTenant('a', 3)
  const run = (await world.rehome.enqueue(world.plan(), { until: 'verify' })).runId ?? ''
  await using attempts = openAttempts(world)
  expect(await attempts.try('a')).toMatchObject({ kind: 'held' })
  const away = { TARGET_URL: 'postgres://nobody@127.0.0.1:1/none' }
  await using lost = openAttempts(world, away)
  const waiting = { phase: 'hold', open: true, error_code: 'UNREACHABLE', attempts_used: 0 }
  let events: string[] | null = null
  // The second look fails as the first one has: it is no attempt, and leaves no event.
  for (let looks = 0; looks < 2; looks += 1) {
    expect(await lost.try('a')).toMatchObject({ kind: 'failed', again: true, restMs: 60_000 })
    expect(await moveOf(world, run, 'a')).toMatchObject({ ...waiting, attempt: 2 })
    events ??= await eventsOf(world, run, 'a')
    expect(await eventsOf(world, run, 'a')).toEqual(events)
  }

  for (const end of [world.source, world.target]) {
    await end.pool.query(`alter table notes add column colour text default 'red'`)
  }
  await writeAt(world, 'source', 'a')
  await using changed = openAttempts(world)
  expect(await changed.try('a')).toMatchObject({ kind: 'held' })
  // It is an attempt of its own, with results of its own.
  expect(await moveOf(world, run, 'a')).toMatchObject({ attempt: 3, evidence: { attempt: 3 } })
  await keepsUp(world, 'a')
  await world.rehome.complete(run)
  expect(await changed.try('a')).toMatchObject({ kind: 'settled', phase: 'moved' })
  await keepsUp(world, 'a')
})

test('a look that fails before its first round uses up no attempt', async () => {
  await using world = await createWorld({ plan: { ...plan, attempts: 1 } })
  await world.addTenant('a', 3)
  const run = (await world.rehome.enqueue(world.plan(), { until: 'verify' })).runId ?? ''
  const { proxy, environment } = await proxyTo(world, 'target')
  await using _proxy = proxy
  await using attempts = openAttempts(world, environment)
  expect(await attempts.try('a')).toMatchObject({ kind: 'held' })
  {
    // How far the copy has come is read after the captures were taken over.
    using _ = hearing('a', ({ moment, text }) => {
      if (moment === 'before' && /from rehome\.checkpoints/.test(text)) void proxy.cut()
    })
    expect(await attempts.try('a')).toMatchObject({ kind: 'failed', again: true })
  }
  const waiting = { phase: 'hold', open: true, error_code: 'UNREACHABLE', attempts_used: 0 }
  expect(await moveOf(world, run, 'a')).toMatchObject(waiting)
  expect(await attempts.try('a')).toMatchObject({ kind: 'held' })
})

test('a hold that cannot keep up says so, and stays', async () => {
  await using world = await createWorld({ plan: { ...plan, pause: { budgetMs: 1 } } })
  await world.addTenant('a', 3)
  const run = (await world.rehome.enqueue(world.plan(), { until: 'verify' })).runId ?? ''
  await using attempts = openAttempts(world)
  await attempts.try('a')
  await writeAt(world, 'source', 'a')
  {
    // Each call takes longer than the budget, however quick the machine is.
    using _ = hearing('a', () => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 3))
    expect(await attempts.try('a')).toMatchObject({ kind: 'held' })
  }
  const { error_code: code, error_message: message, open } = await moveOf(world, run, 'a')
  expect([code, open]).toEqual(['HOLD_FALLS_BEHIND', true])
  expect(message).toMatch(
    /^the held move cannot keep up: \d+ changes in \d+ round\(s\), and the last/,
  )
  const told = (await eventsOf(world, run, 'a')).filter((text) => text.includes('cannot keep up'))
  await attempts.try('a')
  expect(
    (await eventsOf(world, run, 'a')).filter((text) => text.includes('cannot keep up')),
  ).toEqual(told)
})

test('a hold needs a moment with a zone, and one of the two ways to end it', async () => {
  await using world = await createWorld({ plan })
  await world.addTenant('a', 1)
  const ask = (asked: object) => world.rehome.enqueue(world.plan(), { dryRun: true, ...asked })
  for (const completeAfter of ['2026-12-01T02:00:00', 'tonight', '2026-02-30T02:00:00Z']) {
    await expect(ask({ completeAfter })).rejects.toMatchObject({ code: 'USAGE' })
  }
  const completeAfter = '2026-12-01T02:00:00+01:00'
  await expect(ask({ completeAfter, until: 'verify' })).rejects.toMatchObject({ code: 'USAGE' })
  const { hold } = await ask({ completeAfter })
  expect(hold).toMatchObject({ completeAfter: '2026-12-01T01:00:00.000Z' })
  const wrong = world.rehome.enqueue(world.plan({ completeAfter: 'tonight' }))
  await expect(wrong).rejects.toMatchObject({ code: 'PLAN_INVALID' })
})
