// A run in waves, with real workers: the next wave begins when the gates of the last one are open.
import { expect, test } from 'vitest'
import { eventually } from '../helpers/eventually.ts'
import { ended, moveOf } from '../helpers/runs.ts'
import { createWorld, type World } from '../helpers/world.ts'

const tenants = ['a', 'b', 'c', 'd', 'e']

async function worldOf(): Promise<World> {
  const world = await createWorld({ plan: { attempts: 1 }, reconcileEveryMs: 100 })
  for (const tenant of tenants) await world.addTenant(tenant, 1)
  return world
}

/** A row in the way: the tenant's move fails, until it is removed. */
const blocked = `insert into notes (id, tenant_id, body) select id, 'x', 'other' from
  (values (9001)) v (id)`

test('a run in waves waits for gates, a soak and a person, and tells what it waits for', async () => {
  await using world = await worldOf()
  const { rehome } = world
  await world.source.pool.query(`insert into notes (id, tenant_id) values (9001, 'b')`)
  await world.target.pool.query(`insert into tenants values ('x', 'x')`)
  await world.target.pool.query(blocked)
  const plan = world.plan({
    waves: [
      { tenants: ['a'], name: 'our own', approve: true },
      { tenants: ['b', 'c'], soak: '1s' },
      { rest: true },
    ],
  })
  const dry = await rehome.enqueue(plan, { dryRun: true })
  expect(dry.waves.map(({ name, tenants: count }) => [name, count])).toEqual([
    ['our own', 1],
    ['named', 2],
    ['rest', 2],
  ])
  const run = (await rehome.enqueue(plan)).runId ?? ''
  await using _workers = await world.work([plan])
  const notice = async (text: string | RegExp) =>
    await eventually(async () => {
      expect(await rehome.notices(run)).toEqual([expect.stringMatching(text)])
    })
  const states = async () =>
    Object.fromEntries((await rehome.status(run)).moves.map((m) => [m.tenant_id, m.phase]))

  await notice(/^1 of 3 waves have begun; wave 1 \(our own\) waits for a person: `rehome approve/)
  expect(await states()).toEqual({ a: 'moved', b: 'queued', c: 'queued', d: 'queued', e: 'queued' })
  expect(await rehome.approve(run, { dryRun: true })).toBe(1)
  expect(await rehome.approve(run, { reason: 'looks good' })).toBe(1)

  await notice(
    /^2 of 3 waves have begun; wave 2 \(named\) has 1 failed or rolled back move\(s\), allowed are 0/,
  )
  expect(await states()).toMatchObject({ b: 'failed', c: 'moved', d: 'queued' })
  await rehome.approve(run)
  await notice(/has 1 failed/)
  await world.target.pool.query('delete from notes where id = 9001')
  await rehome.retry(run)
  await notice(/wave 2 \(named\) soaks for 1 s more/)

  for (const move of (await ended(world, run)).values()) {
    expect(move).toMatchObject({ phase: 'moved', error_code: null })
  }
  await expect(rehome.approve(run)).rejects.toMatchObject({ code: 'NOT_ALLOWED_NOW' })
  const told = (await rehome.history(run)).map(({ kind, by }) => [kind, by]).toReversed()
  expect(told).toEqual([
    ['approved', 'tester'],
    ['wave', 'the plan'],
    ['approved', 'tester'],
    ['wave', 'the plan'],
  ])
})

test('a run that goes wrong begins no further move, until a person resumes it', async () => {
  await using world = await worldOf()
  const { rehome } = world
  await world.source.pool.query(`insert into notes (id, tenant_id) values (9001, 'a')`)
  await world.target.pool.query(`insert into tenants values ('x', 'x')`)
  await world.target.pool.query(blocked)
  const waves = [{ tenants: ['a'] }, { tenants: ['b', 'c'] }, { rest: true }] as const
  const plan = world.plan({ stopWhen: { failed: 1 }, waves })
  const run = (await rehome.enqueue(plan)).runId ?? ''
  await using _worker = await world.work([plan])
  const stopped =
    /^paused by the plan since \S+ \(stopWhen.failed: 1 move\(s\) failed or were rolled back, the limit is 1/
  await eventually(async () => {
    expect(await rehome.notices(run)).toContainEqual(expect.stringMatching(stopped))
  })
  await rehome.skip(run, { tenants: ['a'] })
  await rehome.resume(run)
  const moves = await ended(world, run)
  expect(moves.get('e')).toMatchObject({ phase: 'moved' })
  expect(await moveOf(world, run, 'a')).toMatchObject({ error_code: 'SKIPPED' })
})

test('a person who overrides the gates of a wave lets the next one begin', async () => {
  await using world = await worldOf()
  const { rehome } = world
  const plan = world.plan({ waves: [{ tenants: ['a'], soak: '1d' }, { rest: true }] })
  const run = (await rehome.enqueue(plan)).runId ?? ''
  await using _worker = await world.work([plan])
  await eventually(async () => {
    expect(await rehome.notices(run)).toEqual([expect.stringMatching(/soaks for 8\d+ s more/)])
  })
  await rehome.approve(run, { override: true })
  expect((await ended(world, run)).get('e')).toMatchObject({ phase: 'moved' })
})
