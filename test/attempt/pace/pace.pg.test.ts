// Attempts of a plan with a pace: whatever of a move keeps no writer waiting gives way to others.
import { expect, test } from 'vitest'
import type { PlanInput } from '../../../src/plan/plan.ts'
import type { PaceInput } from '../../../src/plan/timing/pace.ts'
import { openScene } from '../../helpers/attempts/scene.ts'
import { stories } from '../../helpers/attempts/stories.ts'
import { hearing, openAttempts } from '../../helpers/attempts.ts'
import { eventually } from '../../helpers/eventually.ts'
import { createWorld, type World } from '../../helpers/world.ts'

/** Commits are never too slow, so that nothing but what a test does makes its ends busy. */
const calm = { commitMs: 3_600_000 } as const

async function worldWith(
  tenant: string,
  plan: Partial<PlanInput> & { readonly pace: PaceInput },
  notes = 1_200,
): Promise<World> {
  const pace = { ...calm, ...plan.pace }
  const world = await createWorld({
    plan: { strategy: 'online', chunkRows: 10_000, ...plan, pace },
  })
  await world.addTenant(tenant, notes)
  await world.rehome.enqueue(world.plan(), { tenants: [tenant] })
  return world
}

async function eventsOf({ control }: World): Promise<string[]> {
  const query = 'select message from rehome_control.events order by id'
  return (await control.pool.query(query)).rows.map(({ message }) => message)
}

test('a busy end slows a move down to its floor, the reason shows, and the move ends', async () => {
  await using world = await worldWith('busy', { pace: { busy: () => 'the nightly report runs' } })
  await using attempts = openAttempts(world)
  const moving = attempts.try('busy')
  await eventually(async () => {
    expect((await attempts.moveOf('busy')).gives_way).toBe('the nightly report runs')
  })
  const outcome = await moving
  expect(outcome).toMatchObject({
    ...{ kind: 'settled', phase: 'moved' },
    evidence: { pace: { reason: 'the nightly report runs', restedMs: expect.any(Number) } },
  })
  const { evidence } = outcome as unknown as { evidence: { pace: { restedMs: number } } }
  expect(evidence.pace.restedMs).toBeGreaterThan(50)
  expect((await attempts.moveOf('busy')).gives_way).toBeNull()
  const events = await eventsOf(world)
  expect(events).toContain('gives way: the nightly report runs')
  expect(events).toContain('goes on at full speed')
})

test('sessions of others make a move give way while they are active', async () => {
  await using world = await worldWith('crowded', { pace: { active: 2 } })
  await using attempts = openAttempts(world)
  const sleeping = [1, 2, 3].map(() => world.source.pool.query('select pg_sleep(60)'))
  const over = Promise.allSettled(sleeping)
  await eventually(async () => {
    const active = `select from pg_stat_activity where query = 'select pg_sleep(60)'
      and state = 'active' and datname = current_database()`
    expect((await world.source.pool.query(active)).rowCount).toBe(3)
  })
  const moving = attempts.try('crowded')
  // Those of other tests on the same server count, too.
  const reason = /\d+ sessions of others are active at the (source|target), limit 2/
  await eventually(async () => {
    expect((await attempts.moveOf('crowded')).gives_way).toMatch(reason)
  })
  const query =
    "select pg_cancel_backend(pid) from pg_stat_activity where query like '%pg_sleep(60)'"
  await world.source.pool.query(`${query} and datname = current_database()`)
  await over
  expect(await moving).toMatchObject({ kind: 'settled', phase: 'moved' })
  expect((await eventsOf(world)).join('\n')).toMatch(reason)
})

test.each([
  ['online', ['copy']],
  ['offline', []],
] as const)('no end is looked at once a tenant is fenced: %s', async (strategy, phases) => {
  await using world = await worldWith(strategy, { strategy, pace: { busy: () => true } }, 100)
  await using attempts = openAttempts(world)
  const looks = new Set<string>()
  using _ = hearing(strategy, ({ text, phase = '' }) => {
    if (text.includes('pg_logical_emit_message')) looks.add(phase)
  })
  expect(await attempts.try(strategy)).toMatchObject({ kind: 'settled', phase: 'moved' })
  // A stage that is over at once may take note of the look of the one before.
  for (const phase of ['catch_up', 'verify']) looks.delete(phase)
  expect([...looks]).toEqual(phases)
})

test('a move that is stopped in a rest ends at once', async () => {
  await using world = await worldWith('stopped', { pace: { busy: () => true, floor: 0.01 } })
  await using attempts = openAttempts(world)
  const stop = new AbortController()
  const moving = attempts.try('stopped', { stop: stop.signal })
  await eventually(async () => {
    expect((await attempts.moveOf('stopped')).gives_way).not.toBeNull()
  })
  stop.abort()
  expect(await moving).toMatchObject({ kind: 'failed', error: { code: 'STOPPED' } })
  expect(await attempts.moveOf('stopped')).toMatchObject({ gives_way: null, open: true })
})

test('a query of the plan that fails is a reason to give way', async () => {
  await using world = await worldWith('failing', { pace: { busy: { sql: 'select 1 / 0' } } }, 100)
  await using attempts = openAttempts(world)
  expect(await attempts.try('failing')).toMatchObject({ kind: 'settled', phase: 'moved' })
  expect((await eventsOf(world)).join('\n')).toContain('gives way: `pace.busy` failed: ')
})

test('a function of the plan that never answers keeps no stage from its end', async () => {
  const busy = () => new Promise<boolean>(() => {})
  await using world = await worldWith('silent', { pace: { busy } }, 100)
  await using attempts = openAttempts(world)
  expect(await attempts.try('silent')).toMatchObject({ kind: 'settled', phase: 'moved' })
})

test('a withdrawal lowers the fence of an attempt that died before it looks at an end', async () => {
  const { plan } = stories.withdrawal
  const story = { ...stories.move, plan: { ...plan, pace: {} } }
  await using scene = await openScene(story)
  const moves = await scene.arrange(['acme'])
  const copied = /insert into "public"."notes"|copy "public"."notes"/i
  const id = moves[0]?.id ?? ''
  const life = scene.lifeOf('acme', (at) => (copied.test(at.text) ? 'dies' : 'goes on'))
  expect(await scene.attempts.live(life, id)).toBeNull()
  await stories.withdrawal.ask(scene.world, moves)
  const heard: string[] = []
  using _ = hearing('acme', ({ moment, to, text, phase }) => {
    heard.push(`${phase} ${moment} ${to}: ${text}`)
  })
  await scene.attempts.finish(id)
  const isLowering = /after source flags:.*delete from rehome\.tenant_flags/s
  const lowered = heard.findIndex((line) => isLowering.test(line))
  const looked = heard.findIndex((line) => line.includes('pg_logical_emit_message'))
  expect(lowered).toBeGreaterThan(-1)
  expect(looked).toBeGreaterThan(lowered)
})
