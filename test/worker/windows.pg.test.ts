// Tenants with windows: online they are ready before, and cut over in it; offline they begin in it.
import { expect, test } from 'vitest'
import { openAttempts } from '../helpers/attempts.ts'
import { moveOf, rowsAt, tryWrite } from '../helpers/runs.ts'
import { onlinePlan } from '../helpers/way-back.ts'
import { createWorld, type World } from '../helpers/world.ts'

/** It opens in the next new year's night, and in this one it is not open. */
const closed = { opens: '30 0 1 7 *', for: '1m' }
const always = { opens: '* * * * *', for: '2h' }
const minute = { opens: '* * * * *', for: '1m' }

/** Puts another window in place of what the plan has said. */
async function open(world: World, window = always): Promise<void> {
  const stored = JSON.stringify([{ opens: window.opens, forMs: 7_200_000, zone: 'UTC' }])
  const query = 'update rehome_control.moves set windows = $1, complete_after = null'
  await world.control.pool.query(query, [stored])
}

test('an online move copies early, is held until its window opens, and cuts over in it', async () => {
  const plan = { ...onlinePlan, hold: { everyMs: 500 }, windows: () => closed }
  await using world = await createWorld({ plan })
  await world.addTenant('a', 3)
  const { runId, hold } = await world.rehome.enqueue(world.plan())
  const nextAt = expect.stringMatching(/-07-01T00:30:00.000Z$/)
  const windows = { tenants: 1, openNow: 0, nextAt }
  expect(hold).toEqual({ before: 'cutover', untilCompleted: false, completeAfter: null, windows })
  await using attempts = openAttempts(world)
  expect(await attempts.try('a')).toMatchObject({ kind: 'held', waitMs: expect.closeTo(500, -2) })
  const run = runId ?? ''
  const { phase, complete_after: date } = await moveOf(world, run, 'a')
  expect([phase, date?.toISOString()]).toEqual(['hold', nextAt])
  expect(await rowsAt(world, 'target', 'a')).toEqual(await rowsAt(world, 'source', 'a'))

  // The window holds for one who completes the move, unless he says otherwise.
  expect((await world.rehome.complete(run)).tenants).toEqual(['a'])
  expect(await attempts.try('a')).toMatchObject({ kind: 'held' })
  expect((await moveOf(world, run, 'a')).complete_after?.toISOString()).toEqual(nextAt)
  await open(world)
  expect(await attempts.try('a')).toMatchObject({ kind: 'settled', phase: 'moved' })
})

test('an offline move begins in its window, unless it would not end in it', async () => {
  await using world = await createWorld({ plan: { windows: minute } })
  for (const tenant of ['a', 'b', 'c']) await world.addTenant(tenant, 3)
  await world.addTenant('d', 40)
  const { hold, runId } = await world.rehome.enqueue(world.plan())
  expect(hold?.windows).toEqual({ tenants: 4, openNow: 4, nextAt: null })
  await using attempts = openAttempts(world)
  // Nothing is known yet of how long it takes.
  expect(await attempts.try('a')).toMatchObject({ kind: 'settled', phase: 'moved' })

  const slow = `update rehome_control.moves set evidence = evidence || '{"movePhaseMs": {"copy": 7200000}}'
    where tenant_id = 'a'`
  await world.control.pool.query(slow)
  expect(await attempts.try('b')).toMatchObject({ kind: 'held' })
  const run = runId ?? ''
  const { error_code: code, error_message: text, phase } = await moveOf(world, run, 'b')
  expect([phase, code]).toEqual(['queued', 'WINDOW_TOO_SHORT'])
  expect(text).toMatch(
    /^will not fit the window: needs 2 h 0 min, has [\d.]+ m?s; its longest window is/,
  )
  expect(await tryWrite(world, 'source', 'b')).toBe('accepted')
  expect((await world.rehome.notices(run)).join()).toContain(
    '1 of them cannot go on then, e.g. WINDOW',
  )

  const completed = await world.rehome.complete(run, { anytime: true, tenants: ['b'] })
  expect(completed).toEqual({ count: 1, tenants: ['b'] })
  expect(await attempts.try('b')).toMatchObject({ kind: 'settled', phase: 'moved' })
  // A longer window is long enough.
  await open(world)
  await world.control.pool.query(slow.replace('7200000', '60000'))
  expect(await attempts.try('c')).toMatchObject({ kind: 'settled', phase: 'moved' })
  // Small moves say nothing of one that is much larger.
  await world.control.pool.query(`update rehome_control.moves
    set rows_copied = 1, evidence = '{"movePhaseMs": {"copy": 7200000}}' where phase = 'moved'`)
  expect(await attempts.try('d')).toMatchObject({ kind: 'settled', phase: 'moved' })
})

test('outside its window an offline move does not begin, though its job is taken', async () => {
  await using world = await createWorld({ plan: { windows: closed } })
  await world.addTenant('a', 1)
  const wrong = world.plan({ windows: () => ({ opens: 'never', for: '1h' }) })
  await expect(world.rehome.enqueue(wrong, { dryRun: true })).rejects.toThrow('five fields')
  const run = (await world.rehome.enqueue(world.plan())).runId ?? ''
  await using attempts = openAttempts(world)
  expect(await attempts.try('a')).toEqual({ kind: 'nothing to do' })
  // The moment that was stored has passed, and the window has closed since.
  await world.control.pool.query('update rehome_control.moves set complete_after = now()')
  const waitMs = expect.closeTo(86_400_000, -5)
  expect(await attempts.try('a')).toMatchObject({ kind: 'held', waitMs })
  const move = await moveOf(world, run, 'a')
  expect(move).toMatchObject({ phase: 'queued', epoch: null })
  expect(move.complete_after?.toISOString()).toMatch(/-07-01T00:30/)
})

test('a window that closes before the fence keeps the move from its cutover', async () => {
  const plan = { ...onlinePlan, hold: { everyMs: 60_000 }, windows: () => always }
  await using world = await createWorld({ plan })
  await world.addTenant('a', 3)
  const run = (await world.rehome.enqueue(world.plan())).runId ?? ''
  // As the last rounds before the fence begin.
  const stored = JSON.stringify([{ opens: closed.opens, forMs: 60_000, zone: 'UTC' }])
  await world.control.pool.query(`
    create function close_window() returns trigger language plpgsql as $$
      begin new.windows := '${stored}'; return new; end $$;
    create trigger close_window before update on rehome_control.moves for each row
      when (old.phase = 'verify' and new.phase = 'catch_up') execute function close_window()`)
  await using attempts = openAttempts(world)
  expect(await attempts.try('a')).toMatchObject({ kind: 'held' })
  const move = await moveOf(world, run, 'a')
  expect(move).toMatchObject({ phase: 'hold', open: true, pause_ms: null })
  expect(await tryWrite(world, 'source', 'a')).toBe('accepted')
})
