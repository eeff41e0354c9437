// The pause of an online move is predicted, and no tenant is fenced for longer than the plan
// allows.
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { setTimeout as delay } from 'node:timers/promises'
import { expect, test } from 'vitest'
import type { RemoteCall } from '../../src/calls.ts'
import { sqlStateOf } from '../../src/postgres.ts'
import { openAttempts } from '../helpers/attempts/attempts.ts'
import { Life } from '../helpers/attempts/life.ts'
import { storeMoves, stories } from '../helpers/attempts/stories.ts'
import { eventually } from '../helpers/eventually.ts'
import type { Between } from '../helpers/http-end.ts'
import { createHttpWorld } from '../helpers/http-world.ts'
import { ended, expectHome, flagsAt, moveOf, tryWrite } from '../helpers/runs.ts'
import { onlinePlan } from '../helpers/way-back.ts'
import { createWorld } from '../helpers/world.ts'

function expectFenced(error: Error): void {
  expect(sqlStateOf(error)).toBe('25006')
}

/** Moves a tenant that writes in each round, where a round takes so long, in ms, after the last. */
async function moveThroughRounds(
  budgetMs: number,
  delays: (round: number, last: number) => number,
) {
  let rounds = 0
  let begun = performance.now()
  const between: Between = (handler) => async (request, response) => {
    if (request.url?.endsWith('feed/position')) {
      const change = `update notes set body = body || '!' where tenant_id = 'acme'`
      await world.source.pool.query(change).catch(expectFenced)
      const last = performance.now() - begun
      begun = performance.now()
      await delay(delays(rounds++, last))
    }
    return await handler(request, response)
  }
  await using world = await createHttpWorld({
    ...{ over: ['source'], serve: () => ({ between }) },
    plan: { ...onlinePlan, pause: { budgetMs }, fence: { leaseMs: 60_000 } },
  })
  await world.addTenant('acme', 3)
  const [move] = await storeMoves(world, stories.onlineMove, ['acme'])
  await using attempts = openAttempts(world)
  const outcome = await attempts.live(new Life(), move?.id ?? '')
  const query = 'select error_code, failed_phase from rehome_control.moves'
  return { outcome, move: (await world.control.pool.query(query)).rows[0] }
}

test('rounds that grow beyond the budget one after the other end the attempt', async () => {
  // The copy takes the first position. Each round takes at least twice as long as the one before.
  const { move } = await moveThroughRounds(300, (round, last) => (round < 2 ? 0 : 2 * last))
  expect([move.failed_phase, move.error_code]).toEqual(['catch_up', 'PAUSE_OVER_BUDGET'])
})

test('one round that takes longer than the budget is followed by others', async () => {
  const { outcome } = await moveThroughRounds(2_000, (round) => (round === 2 ? 2_500 : 0))
  expect(outcome).toMatchObject({ kind: 'settled', phase: 'moved' })
})

test('a tenant whose pause would be too long is not fenced, and stays as it was', async () => {
  const pause = { budgetMs: 1, attempts: 2 }
  await using world = await createWorld({ plan: { strategy: 'online', pause, attempts: 1 } })
  await world.addTenant('acme')
  await using _ = await world.work()
  const { runId } = await world.rehome.enqueue(world.plan(), { tenants: ['acme'] })
  const move = (await ended(world, runId)).get('acme')
  expect(move).toMatchObject({
    phase: 'failed',
    error_code: 'PAUSE_OVER_BUDGET',
    failed_phase: 'catch_up',
    attempt: 2,
  })
  expect(await flagsAt(world, 'source')).toEqual([])
  expect(await tryWrite(world, 'source', 'acme')).toBe('accepted')
  await world.rehome.rollback(runId ?? '', { tenants: ['acme'] })
  expect((await ended(world, runId)).get('acme')).toMatchObject({ phase: 'rolled_back' })
  expect(await flagsAt(world, 'target')).toEqual([])
})

/** Resolves when a call is made for acme in this phase. */
function begun(phase: string): Promise<void> {
  return new Promise((resolve) => {
    const hear = (message: unknown) => {
      const call = message as RemoteCall
      if (call.tenant !== 'acme' || call.phase !== phase) return
      unsubscribe('rehome:call', hear)
      resolve()
    }
    subscribe('rehome:call', hear)
  })
}

test('a transaction that stays open is waited for before the fence, not behind it', async () => {
  const plan = { strategy: 'online', pause: { budgetMs: 700 }, fence: { drainMs: 30_000 } } as const
  await using world = await createWorld({ plan })
  await world.addTenant('acme', 300)
  await using _ = await world.work()
  const phase = async () => (await moveOf(world, runId ?? '', 'acme')).phase
  const slow = await world.source.pool.connect()
  const [copying, catchingUp] = [begun('copy'), begun('catch_up')]
  const { runId } = await world.rehome.enqueue(world.plan(), { tenants: ['acme'] })
  await copying
  await slow.query('begin')
  await slow.query(`update notes set body = 'late' where tenant_id = 'acme'`)
  await catchingUp
  // It stays open for longer than a pause may last.
  await slow.query('select pg_sleep(1)')
  expect(await phase()).toBe('catch_up')
  expect(await flagsAt(world, 'source')).toEqual([['acme', 'capturing']])
  await slow.query('commit')
  slow.release()
  const move = (await ended(world, runId)).get('acme')
  expect(move).toMatchObject({ phase: 'moved' })
  expect(move?.evidence).toMatchObject({ predictedPauseMs: expect.any(Number) })
  await expectHome(world, 'acme', 'target')
  const late = `select count(*)::int as n from notes where body like 'late%'`
  expect((await world.target.pool.query(late)).rows).toEqual([{ n: 300 }])
})

test('a capture whose lease has lapsed goes on until the reaper ends it', async () => {
  await using world = await createWorld({ plan: { strategy: 'online' } })
  await world.addTenant('acme')
  const lapsed = `insert into rehome.tenant_flags
    (scope, tenant_id, mode, token, epoch, move_id, reason, retry_after_s, expires_at)
    values ('default', 'acme', 'capturing', gen_random_uuid(), gen_random_uuid(),
      gen_random_uuid(), 'a test', 1, clock_timestamp() + $1 * interval '1 s')`
  await world.source.pool.query(lapsed, [60])
  expect(await tryWrite(world, 'source', 'acme')).toBe('accepted')
  expect(await flagsAt(world, 'source')).toEqual([['acme', 'capturing']])
  await world.source.pool.query('delete from rehome.tenant_flags')
  await world.source.pool.query(lapsed, [-1])
  expect(await tryWrite(world, 'source', 'acme')).toBe('accepted')
  expect(await flagsAt(world, 'source')).toEqual([['acme', 'capturing']])
  await using _ = await world.work()
  await eventually(async () => expect(await flagsAt(world, 'source')).toEqual([]))
})
