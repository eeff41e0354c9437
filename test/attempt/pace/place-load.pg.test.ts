// The load on a place, as moves of one process see it: over a connection of its own, whatever our
// role may do there, and once for all of them.
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { expect, test } from 'vitest'
import { BusyQuestion } from '../../../src/attempt/busy-question.ts'
import { PlaceLoad, placeLoadOf } from '../../../src/attempt/place-load.ts'
import type { RemoteCall } from '../../../src/calls.ts'
import { paceNotes } from '../../../src/checks/pace-notes.ts'
import { databaseEnd } from '../../../src/ends/postgres/database-end.ts'
import { openDatabase } from '../../../src/ends/postgres/postgres-end.ts'
import { checkPlan } from '../../../src/plan/check-plan.ts'
import { createDatabase } from '../../helpers/database.ts'
import { smallPlan } from '../../helpers/small-plan.ts'

async function openEnd(url: string) {
  const end = databaseEnd(
    openDatabase('source', { schema: 'public', tls: 'off', poolSize: 1 }, { url }),
  )
  if (!end.load) throw new Error('a database shows its load')
  return { ...end, load: end.load, [Symbol.asyncDispose]: () => end.close() }
}

/** Calls with which commits are timed. */
function hearingLooks() {
  const pools: string[] = []
  const hear = (message: unknown) => {
    const { moment, to, text } = message as RemoteCall
    if (moment === 'before' && text.includes('pg_logical_emit_message')) pools.push(to)
  }
  subscribe('rehome:call', hear)
  return { pools, [Symbol.dispose]: () => void unsubscribe('rehome:call', hear) }
}

test('moves at one place share a look, which keeps no call about a fence waiting', async () => {
  await using database = await createDatabase()
  await using end = await openEnd(database.url)
  await using other = await openEnd(database.url)
  using looks = hearingLooks()
  const seen = await Promise.all([
    placeLoadOf(end).look(end.load),
    placeLoadOf(end).look(end.load),
    placeLoadOf(other).look(other.load),
  ])
  expect(looks.pools).toEqual(['source looks'])
  expect(seen[0]?.takesMs).toBeGreaterThan(0)
  expect(seen[2]).toBe(seen[0])
})

test('the quiet time is measured once, and not again while another move works there', async () => {
  await using database = await createDatabase()
  await using end = await openEnd(database.url)
  using looks = hearingLooks()
  const load = new PlaceLoad()
  for (const move of [{}, {}]) load.enter(move)
  await Promise.all([load.learn(end.load), load.learn(end.load)])
  await load.learn(end.load)
  expect(looks.pools).toHaveLength(10)
  expect((await load.look(end.load)).quietMs).toBeGreaterThan(0)
})

const plan = checkPlan(smallPlan({ strategy: 'online', pace: {} }))

test('a role that may not time commits is shown the rest, and no end is called busy', async () => {
  await using database = await createDatabase()
  const name = `looker_${database.url.split('/').at(-1)}`
  await database.pool.query(`create role ${name} login password 'looker'`)
  await using own = await openEnd(database.url)
  expect(await paceNotes(plan, { source: own, target: own })).toEqual([])
  const signature = `select oid::regprocedure::text as name from pg_proc
    where proname = 'pg_logical_emit_message'`
  const { rows } = await database.pool.query(signature)
  for (const one of rows) {
    await database.pool.query(`revoke execute on function ${one.name} from public`)
  }
  try {
    const url = new URL(database.url)
    url.username = name
    url.password = 'looker'
    await using end = await openEnd(url.href)
    const load = new PlaceLoad()
    await load.learn(end.load)
    const shown = await load.look(end.load)
    expect(shown).toMatchObject({ ms: null, takesMs: null, quietMs: null, active: 0 })
    const notes = await paceNotes(plan, { source: end, target: own })
    expect(notes).toEqual([
      { where: 'source', message: expect.stringMatching(/may not call pg_logical_emit_message/) },
    ])
  } finally {
    await database.pool.query(`drop role ${name}`)
  }
})

test('a standby that is named is gone only once it was connected', async () => {
  await using database = await createDatabase()
  await using end = await openEnd(database.url)
  const shown = await new PlaceLoad('replica').look(end.load)
  expect(shown).toMatchObject({ isConnected: false, isGone: false, lagMs: null })
})

test('a query of the plan that takes over 2 s is ended, and gives its connection back', async () => {
  await using database = await createDatabase()
  await using end = await openEnd(database.url)
  const ends = { source: end, target: end }
  const busy = { sql: 'select pg_sleep(60)' }
  const question = new BusyQuestion({ pace: { busy }, ends, tenant: 'acme' })
  const { signal } = new AbortController()
  expect(await question.reason(signal)).toBeNull()
  // The pool has one connection.
  expect((await end.rows.ask('select 1', 1)).rows).toEqual([['1']])
  expect(await question.reason(signal)).toMatch(/^`pace.busy` failed: .*statement timeout/)
})
