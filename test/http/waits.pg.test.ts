// A worker asks an end no more, no sooner and no more often than it may.
import { describe, expect, test } from 'vitest'
import type { Between } from '../helpers/http-end.ts'
import {
  answerOf,
  loseAnswer,
  operationOf,
  type Trouble,
  troubled,
  troubleWhen,
} from '../helpers/http-trouble.ts'
import { bothEnds, createHttpWorld } from '../helpers/http-world.ts'
import { ended, expectHome, flagsAt, moveOf, rowsAt, runAll, tryWrite } from '../helpers/runs.ts'

/** One table after the other, so that one request follows another. */
const oneLane = { concurrency: 4 }

/** The first so many requests of a kind have trouble; `askedAt` tells when each came. */
function firstOf(operation: string, trouble: Trouble, times = 1) {
  const askedAt: number[] = []
  const between = troubleWhen((asked) => {
    if (asked !== operation) return null
    askedAt.push(performance.now())
    return askedAt.length <= times ? trouble : null
  })
  return { askedAt, between }
}

describe.each<[status: number, operation: string, after: () => string, waitMs: number]>([
  [429, 'rows/write', () => '1', 1_000],
  [503, 'rows/read', () => '1', 1_000],
  [429, 'flags/mark-moved', () => '1', 1_000],
  [503, 'flags/open-received', () => '1', 1_000],
  [503, 'rows/drain', () => new Date(Date.now() + 2_000).toUTCString(), 1_000],
  [503, 'rows/count', () => new Date(0).toUTCString(), 0],
])('an end that answers %i to %s', (status, operation, after, waitMs) => {
  test('is asked again when it has said, and not before', async () => {
    const busy = async () => answerOf(status, '', { 'retry-after': after() })
    const { askedAt, between } = firstOf(operation, busy)
    await using world = await createHttpWorld({
      ...{ over: bothEnds, asking: oneLane },
      serve: () => ({ between }),
    })
    await world.addTenant('acme', 3)
    await using _worker = await world.work()
    const move = await moveOf(world, await runAll(world), 'acme')
    expect([move.phase, move.error_message, move.attempt]).toEqual(['moved', null, 1])
    const waitedMs = (askedAt[1] ?? 0) - (askedAt[0] ?? 0)
    expect(waitedMs).toBeGreaterThanOrEqual(waitMs - 5)
    expect(waitedMs).toBeLessThan(waitMs + 1_500)
    expect(await rowsAt(world, 'target', 'acme')).toEqual(await rowsAt(world, 'source', 'acme'))
    await expectHome(world, 'acme', 'target')
  })
})

describe('an operation that is not to be repeated', () => {
  test.each([500, 502])('and is answered with %i is left to the next attempt', async (status) => {
    const broken = firstOf('flags/mark-moved', async () => answerOf(status), 3)
    await using world = await createHttpWorld({ over: bothEnds, serve: () => broken })
    await world.addTenant('acme')
    await using _worker = await world.work()
    const move = await moveOf(world, await runAll(world), 'acme')
    expect(move).toMatchObject({ phase: 'moved', error_code: null, attempt: 4 })
    expect(broken.askedAt).toHaveLength(4)
    await expectHome(world, 'acme', 'target')
  })

  test('and never is done keeps the tenant waiting for the budget of its pause alone', async () => {
    const never = firstOf('flags/mark-moved', async () => answerOf(500), Number.POSITIVE_INFINITY)
    await using world = await createHttpWorld({
      ...{ over: bothEnds, plan: { pause: { budgetMs: 2_000 }, attempts: 1 } },
      serve: () => never,
    })
    await world.addTenant('acme')
    await using _worker = await world.work()
    const move = await moveOf(world, await runAll(world), 'acme')
    expect(move).toMatchObject({ phase: 'failed', error_code: 'PAUSE_OVER_BUDGET' })
    expect(never.askedAt.length).toBeGreaterThan(1)
    expect(await tryWrite(world, 'source', 'acme')).toBe('accepted')
    expect(await tryWrite(world, 'target', 'acme')).toBe('25006 rehome:fenced')
  })

  test('and was done although the answer says otherwise is found done', async () => {
    const late: Trouble = async (_, work) => {
      await work()
      return answerOf(504)
    }
    const broken = firstOf('flags/mark-moved', late)
    await using world = await createHttpWorld({ over: bothEnds, serve: () => broken })
    await world.addTenant('acme')
    await using _worker = await world.work()
    const move = await moveOf(world, await runAll(world), 'acme')
    expect(move).toMatchObject({ phase: 'moved', error_code: null, attempt: 1 })
    expect(broken.askedAt).toHaveLength(1)
    await expectHome(world, 'acme', 'target')
  })
})

describe('an operation that may be repeated', () => {
  test('is asked for five times and no more', async () => {
    const never = firstOf('rows/digest', async () => answerOf(500), Number.POSITIVE_INFINITY)
    await using world = await createHttpWorld({ over: ['source'], serve: () => never })
    await world.addTenant('acme')
    await using _worker = await world.work()
    const move = await moveOf(world, await runAll(world), 'acme')
    expect(move).toMatchObject({ phase: 'failed', error_code: 'PROTOCOL_BROKEN' })
    expect(never.askedAt).toHaveLength(5)
    expect(await tryWrite(world, 'source', 'acme')).toBe('accepted')
    expect(await flagsAt(world, 'source')).toEqual([])
  })

  test('is written once, however often it comes', async () => {
    const counted = `create table written (id bigint);
      create function count_it() returns trigger language plpgsql as
        $$ begin insert into written values (new.id); return null; end $$;
      create trigger count_it after insert on notes for each row execute function count_it();
      alter table notes enable always trigger count_it;`
    const lost = firstOf('rows/write', loseAnswer, 3)
    await using world = await createHttpWorld({
      ...{ over: ['target'], asking: oneLane, target: counted },
      serve: () => lost,
    })
    await world.addTenant('acme', 20)
    await using _worker = await world.work()
    const move = await moveOf(world, await runAll(world), 'acme')
    expect(move).toMatchObject({ phase: 'moved', error_code: null, attempt: 1 })
    const query = 'select count(*)::int as times, count(distinct id)::int as rows from written'
    expect((await world.target.pool.query(query)).rows).toEqual([{ times: 20, rows: 20 }])
  })
})

describe('of requests for rows', () => {
  test('no more are under way at once than the plan says', async () => {
    let [here, most] = [0, 0]
    const counting = troubled(async (request, work) => {
      if (!operationOf(request).startsWith('rows/')) return await work()
      here += 1
      most = Math.max(most, here)
      const answer = await work()
      here -= 1
      return answer
    })
    await using world = await createHttpWorld({
      ...{ over: ['target'], asking: { concurrency: 3 }, plan: { concurrency: 8 } },
      serve: () => ({ between: counting }),
    })
    for (let i = 0; i < 8; i += 1) await world.addTenant(`tenant ${i}`)
    const { runId } = await world.rehome.enqueue(world.plan())
    await using _worker = await world.work()
    const moves = [...(await ended(world, runId)).values()]
    expect(moves.map(({ phase }) => phase)).toEqual(Array(8).fill('moved'))
    expect(most).toBe(3)
  })

  test('no more begin in a second than the plan says', async () => {
    const begun: number[] = []
    const timing: Between = (handler) => (request, response) => {
      if (!operationOf(request).startsWith('flags/')) begun.push(performance.now())
      return handler(request, response)
    }
    await using world = await createHttpWorld({
      ...{ over: ['source'], asking: { requestsPerS: 40 }, plan: { concurrency: 4 } },
      serve: () => ({ between: timing }),
    })
    for (let i = 0; i < 4; i += 1) await world.addTenant(`tenant ${i}`, 3)
    const { runId } = await world.rehome.enqueue(world.plan())
    begun.length = 0
    await using _worker = await world.work()
    const moves = [...(await ended(world, runId)).values()]
    expect(moves.map(({ phase }) => phase)).toEqual(Array(4).fill('moved'))
    expect(begun.length).toBeGreaterThan(40)
    const spansMs = begun.slice(20).map((at, i) => at - (begun[i] ?? 0))
    // 20 of them take half a second; some may be on their way for longer than others.
    expect(Math.min(...spansMs)).toBeGreaterThan(400)
  })
})
