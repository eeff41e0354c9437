// A change after every request of every round, of every kind: there, and back again. Each kind goes
// one way of three, and another one with each commit.
import { setTimeout as delay } from 'node:timers/promises'
import { expect, test } from 'vitest'
import type { TestDatabase } from '../../helpers/database.ts'
import type { Between } from '../../helpers/http-end.ts'
import { bothEnds, createHttpWorld, mixes } from '../../helpers/http-world.ts'
import { kindsBetween } from '../../helpers/moments/changes-between.ts'
import {
  createChangingWorld,
  expectEqualEnds,
  moveOnce,
  whileChanging,
} from '../../helpers/moments/moves-between.ts'
import { repeatedly } from '../../helpers/moments/repeatedly.ts'
import { oneOf } from '../../helpers/rotation.ts'
import { rowsAt } from '../../helpers/runs.ts'
import { back, onlinePlan, ownIds } from '../../helpers/way-back.ts'

const timeout = 240_000

/** An end that takes its time for each look at its changes. */
const slow: Between = (handler) => async (request, response) => {
  if (/feed\/changes/.test(request.url ?? '')) await delay(100)
  return await handler(request, response)
}

/** A hundred rows a second: notes with lines come, and those that came before are updated. */
function startWriting(end: TestDatabase): AsyncDisposable {
  const insert = `with n as (insert into notes (tenant_id, body) values ('acme', 'new') returning id)
    insert into note_lines select id, l, 'new' from n, generate_series(1, 2) l`
  const update = `update notes set body = body || '!' where id in
    (select id from notes where tenant_id = 'acme' order by random() limit 5)`
  return repeatedly(async () => {
    for (const statement of [insert, update]) await end.pool.query(statement).catch(() => {})
  }, 70)
}

test('a tenant that writes goes and comes back whole although looks take long', {
  timeout,
}, async () => {
  const plan = { ...onlinePlan, fence: { leaseMs: 20_000, drainMs: 10_000 }, attempts: 1 }
  await using world = await createHttpWorld({
    ...{ over: bothEnds, plan, target: ownIds, serve: () => ({ between: slow }) },
    // A tenth of a second for so many is five times as quick as the tenant.
    asking: { pageRows: 50 },
  })
  await world.addTenant('acme', 30)
  await using _ = await world.work()
  let runId = ''
  {
    await using _writing = startWriting(world.source)
    const move = await moveOnce(world)
    expect(move.found).toEqual(['moved', null])
    runId = move.runId
  }
  expect(await rowsAt(world, 'target', 'acme')).toEqual(await rowsAt(world, 'source', 'acme'))
  {
    await using _writing = startWriting(world.target)
    expect(await back(world, runId, 'acme')).toBe('rolled_back')
  }
  expect(await rowsAt(world, 'source', 'acme')).toEqual(await rowsAt(world, 'target', 'acme'))
})
const places = 40

const ways = Object.entries(kindsBetween).flatMap(([name, kinds], i) =>
  oneOf(mixes, i).map(([ends, over]) => [name, ends, { kinds, over }] as const),
)

test.each(ways)(
  'a tenant arrives whole, and comes back whole, although %s (with %s over HTTP)',
  { timeout },
  async (_name, _ends, { kinds, over }) => {
    const changing = { kinds, places }
    await using world = await createChangingWorld(over, changing)
    await using _ = await world.work()
    const there = await whileChanging(world, { ...changing, at: 'source' }, () => moveOnce(world))
    expect(there.said.slice(0, 30)).toEqual(Array(30).fill('accepted'))
    expect(there.result.found).toEqual(['moved', null])
    await expectEqualEnds(world)
    await world.target.pool.query(`insert into tenants (id, name) values ('other', 'Other')`)
    const again = await whileChanging(world, { ...changing, at: 'target' }, () =>
      back(world, there.result.runId, 'acme'),
    )
    expect(again.said.length).toBeGreaterThan(10)
    expect(again.result).toBe('rolled_back')
    await expectEqualEnds(world)
  },
)
