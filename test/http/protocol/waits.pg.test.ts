// What becomes of a move whose ends are busy, answer that they failed, or are asked twice. When and
// how often an end is asked is in waits.test.ts.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { RunningWorker } from '../../../jobs/worker.ts'
import { eventually } from '../../helpers/eventually.ts'
import { answerOf, loseAnswer, type Trouble, troubleWhen } from '../../helpers/http/http-trouble.ts'
import { bothEnds, createHttpWorld, type HttpWorld } from '../../helpers/http-world.ts'
import { expectHome, moveOf, rowsAt, tryWrite } from '../../helpers/runs.ts'

/** Trouble for the first so many requests of each kind. */
interface Troubles {
  readonly of: readonly string[]
  readonly trouble: Trouble
  readonly times: number
}

let world: HttpWorld
let worker: RunningWorker
let troubles: Troubles | null = null
const asked = new Map<string, number>()
beforeAll(async () => {
  const between = troubleWhen((operation) => {
    if (!troubles?.of.includes(operation)) return null
    const times = (asked.get(operation) ?? 0) + 1
    asked.set(operation, times)
    return times <= troubles.times ? troubles.trouble : null
  })
  world = await createHttpWorld({
    ...{ over: bothEnds, serve: () => ({ between }) },
    plan: { attempts: 4 },
  })
  const { budgeted } = plansOf(world)
  worker = await world.work([world.plan(), budgeted])
})
afterAll(async () => {
  await worker.close()
  await world[Symbol.asyncDispose]()
})

function plansOf({ plan }: HttpWorld) {
  return { budgeted: plan({ name: 'budgeted', pause: { budgetMs: 5_000 }, attempts: 1 }) }
}

async function moveWith(tenant: string, some: Troubles, plan = world.plan()) {
  await world.addTenant(tenant, 20)
  asked.clear()
  troubles = some
  const { runId } = await world.rehome.enqueue(plan, { tenants: [tenant] })
  for await (const { done } of world.rehome.watch(runId ?? '', { everyMs: 60 })) if (done) break
  troubles = null
  return await moveOf(world, runId ?? '', tenant)
}

describe('an end that is busy', () => {
  test('is waited for within the attempt, before and after the cutover', async () => {
    const of = ['rows/write', 'rows/drain', 'flags/mark-moved', 'flags/open-received']
    const busy: Trouble = async () => answerOf(429, '', { 'retry-after': '1' })
    const move = await moveWith('busy', { of, trouble: busy, times: 1 })
    expect([move.phase, move.error_message, move.attempt]).toEqual(['moved', null, 1])
    expect([...asked.keys()].sort()).toEqual([...of].sort())
    for (const times of asked.values()) expect(times).toBeGreaterThan(1)
    expect(await rowsAt(world, 'target', 'busy')).toEqual(await rowsAt(world, 'source', 'busy'))
    await expectHome(world, 'busy', 'target')
  })
})

describe('a cutover', () => {
  const of = ['flags/mark-moved']

  test.each([500, 502])('that is answered with %i is left to the next attempt', async (status) => {
    const tenant = `answered ${status}`
    const broken: Trouble = async () => answerOf(status)
    const move = await moveWith(tenant, { of, trouble: broken, times: 3 })
    expect(move).toMatchObject({ phase: 'moved', error_code: null, attempt: 4 })
    expect(asked.get('flags/mark-moved')).toBe(4)
    await expectHome(world, tenant, 'target')
  })

  test('that is never done keeps the tenant waiting for the budget of its pause', async () => {
    const { budgeted } = plansOf(world)
    const never: Trouble = async () => answerOf(500)
    const move = await moveWith('never', { of, trouble: never, times: 1e9 }, budgeted)
    expect(move).toMatchObject({ phase: 'failed', error_code: 'PAUSE_OVER_BUDGET' })
    expect(asked.get('flags/mark-moved')).toBeGreaterThan(1)
    expect(await tryWrite(world, 'source', 'never')).toBe('accepted')
    expect(await tryWrite(world, 'target', 'never')).toBe('25006 rehome:fenced')
  })

  test('that was done although the answer says otherwise is found done', async () => {
    const late: Trouble = async (_, work) => {
      await work()
      return answerOf(504)
    }
    const move = await moveWith('late', { of, trouble: late, times: 1 })
    expect(move).toMatchObject({ phase: 'moved', error_code: null, attempt: 1 })
    expect(asked.get('flags/mark-moved')).toBe(1)
    await expectHome(world, 'late', 'target')
  })
})

test('a batch whose answer is lost three times is written once', async () => {
  const query = `select n_tup_ins::int as inserted from pg_stat_user_tables where relname = 'notes'`
  // A session tells of its rows when it has nothing to do for a while.
  const inserted = async () => (await world.target.pool.query(query)).rows[0].inserted
  const { pool } = world.target
  const rows = async () => (await pool.query('select count(*)::int as n from notes')).rows[0].n
  await eventually(async () => expect(await inserted()).toBeGreaterThanOrEqual(await rows()))
  const before = await inserted()
  const lost = { of: ['rows/write'], trouble: loseAnswer, times: 3 }
  const move = await moveWith('lost', lost)
  expect(move).toMatchObject({ phase: 'moved', error_code: null, attempt: 1 })
  await eventually(async () => expect(await inserted()).toBeGreaterThanOrEqual(before + 20))
  expect(await inserted()).toBe(before + 20)
})
