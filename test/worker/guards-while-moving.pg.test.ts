// Guards that stand only while tenants move: the first move installs them, and they go after the
// last rollback window. No fence is raised without one, whatever dies or begins in between.
import { expect, test } from 'vitest'
import { runsThatNeedGuards } from '../../src/control/guarded-runs.ts'
import { takeGuardsAway } from '../../src/ends/postgres/fence/passing-guards.ts'
import { missingGuardOf } from '../../src/ends/postgres/fence/read-only.ts'
import { createPool } from '../../src/postgres.ts'
import { Life, lend } from '../helpers/attempts/life.ts'
import { hearing, openAttempts } from '../helpers/attempts.ts'
import {
  endWindows,
  guarded,
  guardsAt,
  look,
  moveOne,
  passing,
} from '../helpers/fence/passing-guards.ts'
import { deferred } from '../helpers/moments/deferred.ts'
import { expectHome } from '../helpers/runs.ts'
import { createShapesWorld } from '../helpers/schemas/shapes.ts'
import { createWorld } from '../helpers/world.ts'

test('stand from the first move to the last window, and cost a quiet end nothing', async () => {
  await using world = await createWorld({ plan: passing })
  await using attempts = openAttempts(world)
  for (const end of [world.source, world.target]) expect((await guardsAt(end)).size).toBe(0)
  expect(await world.rehome.check(world.plan())).toEqual([])
  await moveOne(world, attempts, 'acme')
  const first = await guardsAt(world.source)
  expect([...first.keys()]).toEqual(guarded)
  expect([...(await guardsAt(world.target)).keys()]).toEqual(guarded)
  await moveOne(world, attempts, 'beta')
  expect(await guardsAt(world.source)).toEqual(first)
  expect(await look(world, attempts)).toEqual([])
  await expectHome(world, 'acme', 'target')

  await endWindows(world)
  const taken = await look(world, attempts)
  expect(taken.map(({ end, tables }) => [end, tables.length])).toEqual([
    ['source', guarded.length],
    ['target', guarded.length],
  ])
  for (const end of [world.source, world.target]) expect((await guardsAt(end)).size).toBe(0)

  await moveOne(world, attempts, 'gamma')
  expect([...(await guardsAt(world.source)).keys()]).toEqual(guarded)
  // The flags of tenants that have moved hold again.
  for (const tenant of ['acme', 'gamma']) await expectHome(world, tenant, 'target')
}, 30_000)

test.each([
  ['a rollback', 'target', 1],
  ['the end of a window', 'source', 3_600_000],
] as const)(
  'after %s the end that was left refuses late writes',
  async (what, left, windowMs) => {
    await using world = await createWorld({ plan: { ...passing, rollback: { windowMs } } })
    await using attempts = openAttempts(world)
    await moveOne(world, attempts, 'acme')
    const runId = String((await attempts.moveOf('acme')).run_id)
    const of = { tenants: ['acme'] }
    if (what === 'a rollback') await world.rehome.rollback(runId, of)
    else await world.rehome.finalize(runId, of)
    const phase = what === 'a rollback' ? 'rolled_back' : 'moved'
    expect(await attempts.try('acme')).toMatchObject({ kind: 'settled', phase })
    expect(await look(world, attempts)).toEqual([])
    const late = world[left].pool.query(
      `insert into notes (tenant_id, body) values ('acme', 'late')`,
    )
    await expect(late).rejects.toThrow(expect.objectContaining({ code: '25006' }))
  },
  20_000,
)

test('errands that only end what stands install no guards, and need none', async () => {
  await using world = await createWorld({ plan: passing })
  await using attempts = openAttempts(world)
  await moveOne(world, attempts, 'acme')
  await endWindows(world)
  await look(world, attempts)
  const runId = String((await attempts.moveOf('acme')).run_id)
  await world.rehome.cleanup(runId, { tenants: ['acme'] })
  expect(await attempts.try('acme')).toMatchObject({ kind: 'settled' })
  expect((await guardsAt(world.source)).size).toBe(0)
}, 20_000)

test('a guard leaves with its commit, in one call, and a removal that lasts is busy', async () => {
  await using world = await createWorld({ plan: passing })
  await using attempts = openAttempts(world)
  await moveOne(world, attempts, 'acme')
  await endWindows(world)
  await world.source.pool.query(`create function slow() returns event_trigger language plpgsql
    as 'begin if current_query() ~ ''note_lines'' then perform pg_sleep(3); end if; end';
    create event trigger slow on ddl_command_end when tag in ('DROP TRIGGER')
    execute function slow()`)
  const pool = createPool({ url: world.source.url, name: 'removal' })
  const removal = await takeGuardsAway(pool, async () => [])
  await pool.end()
  expect(removal.busy).toEqual(['public.note_lines'])
  await world.source.pool.query('drop event trigger slow')
  const texts: string[] = []
  using _heard = hearing(undefined, ({ moment, text }) => {
    if (moment === 'before' && /drop trigger/.test(text)) texts.push(text)
  })
  await look(world, attempts)
  expect(texts.length).toBeGreaterThan(0)
  for (const text of texts) expect(text).toMatch(/commit$/)
  expect((await guardsAt(world.source)).size).toBe(0)
  expect(await missingGuardOf(world.source.pool, 'default')).toBe('public.note_lines')
  expect(await missingGuardOf(world.source.pool, 'other')).toBe(null)
}, 30_000)

test('guards go at one end although the other fails', async () => {
  await using world = await createWorld({ plan: passing })
  await using attempts = openAttempts(world)
  await moveOne(world, attempts, 'acme')
  await endWindows(world)
  await world.source.pool.query('drop table rehome.guarded_runs')
  await expect(look(world, attempts)).rejects.toThrow(/guarded_runs/)
  expect((await guardsAt(world.target)).size).toBe(0)
}, 20_000)

test('a writer whose transaction is open holds up the move alone, and loses nothing', async () => {
  await using world = await createWorld({ plan: passing })
  await using attempts = openAttempts(world)
  await world.addTenant('acme', 3)
  await world.rehome.enqueue(world.plan(), { tenants: ['acme'] })
  const writer = await world.source.pool.connect()
  await writer.query('begin')
  await writer.query(`insert into notes (tenant_id, body) values ('acme', 'in flight')`)
  const tried = deferred()
  let tries = 0
  using _heard = hearing('acme', ({ moment, text }) => {
    if (moment !== 'after' || !/create trigger .*"notes"/s.test(text)) return
    tries += 1
    tried.resolve()
  })
  const attempt = attempts.try('acme')
  await tried.promise
  await world.source.pool.query(`update notes set body = body where tenant_id = 'other'`)
  expect((await guardsAt(world.source)).has('notes')).toBe(false)
  await writer.query('commit')
  writer.release()
  expect(await attempt).toMatchObject({ kind: 'settled', phase: 'moved' })
  expect(tries).toBeGreaterThan(0)
  const query = `select from notes where tenant_id = 'acme' and body = 'in flight'`
  expect((await world.target.pool.query(query)).rowCount).toBe(1)
}, 20_000)

test('a move that begins while guards are taken away installs them anew', async () => {
  await using world = await createWorld({ plan: passing })
  await using attempts = openAttempts(world)
  await moveOne(world, attempts, 'acme')
  await endWindows(world)
  await world.addTenant('gamma', 3)
  const pool = createPool({ url: world.source.url, name: 'removal' })
  const [asked, goOn] = [deferred(), deferred()]
  const removal = takeGuardsAway(pool, async (runs) => {
    const needed = await runsThatNeedGuards(attempts.control, runs)
    asked.resolve()
    await goOn.promise
    return needed
  })
  await asked.promise
  await world.rehome.enqueue(world.plan(), { tenants: ['gamma'] })
  const entering = deferred()
  using _heard = hearing('gamma', ({ moment, to, text }) => {
    if (moment === 'before' && to === 'source flags' && /guarded_runs/.test(text)) {
      entering.resolve()
    }
  })
  const attempt = attempts.try('gamma')
  await entering.promise
  goOn.resolve()
  // At least the first table's guard goes; then the run that has come keeps the others.
  expect((await removal).removed.length).toBeGreaterThan(0)
  expect(await attempt).toMatchObject({ kind: 'settled', phase: 'moved' })
  expect([...(await guardsAt(world.source)).keys()]).toEqual(guarded)
  for (const tenant of ['acme', 'gamma']) await expectHome(world, tenant, 'target')
  await pool.end()
}, 30_000)

test.each([
  ['installs', /create trigger .*"notes"/s],
  ['takes away', /drop trigger if exists .*notes/],
] as const)(
  'a worker that dies while it %s guards leaves nothing that keeps',
  async (what, text) => {
    await using world = await createWorld({ plan: passing })
    await using attempts = openAttempts(world)
    if (what === 'takes away') {
      await moveOne(world, attempts, 'acme')
      await endWindows(world)
    }
    await world.addTenant('beta', 3)
    await world.rehome.enqueue(world.plan(), { tenants: ['beta'] })
    if (what === 'takes away') {
      const pool = createPool({ url: world.source.url, name: 'removal' })
      lend(pool)
      const life: Life = new Life((point) => {
        if (text.test(point.text)) life.die()
      })
      // beta's move is open, and has not entered its run.
      const over = async () => []
      await Promise.race([life.died(), life.live(() => takeGuardsAway(pool, over)).catch(() => {})])
      expect(life.dead).toBe(true)
    } else {
      const stop = new AbortController()
      using _heard = hearing('beta', (call) => {
        if (text.test(call.text)) stop.abort()
      })
      await attempts.try('beta', { stop: stop.signal })
      expect(stop.signal.aborted).toBe(true)
      await world.control.pool.query('update rehome_control.moves set not_before = now()')
    }
    expect(await attempts.try('beta')).toMatchObject({ kind: 'settled', phase: 'moved' })
    expect([...(await guardsAt(world.source)).keys()]).toEqual(guarded)
    await expectHome(world, 'beta', 'target')
  },
  30_000,
)

test('tenants with schemas of their own follow each other, each with its guards', async () => {
  await using world = await createShapesWorld({
    shapes: { source: 'schema', target: 'schema' },
    tenants: ['acme', 'beta'],
    plan: {
      ...{ strategy: 'online', guards: 'while moving', pause: { budgetMs: 60_000 } },
      rollback: { windowMs: 600_000 },
    },
  })
  await world.move('acme')
  // acme is within its window.
  await world.move('beta')
})
