// Tenants of a request while it is found out which of them it takes, in the control database.
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  type Candidate,
  type CandidateOrder,
  type Candidates,
  type Chosen,
  withCandidates,
} from '../../src/control/fleet/candidates.ts'
import type { Fact } from '../../src/plan/facts.ts'
import { type ControlOnly, createControl } from '../helpers/errands/states.ts'
import { allIn } from '../helpers/pages.ts'

let db: ControlOnly
beforeAll(async () => {
  db = await createControl()
})
afterAll(() => db[Symbol.asyncDispose]())

const here = (tenant: string, percentile = 50): Candidate => ({ tenant, state: 'here', percentile })

const names = (chosen: readonly Chosen[]) => chosen.map(({ tenant }) => tenant)

async function walked(candidates: Candidates, order: CandidateOrder = 'listed', limit?: number) {
  return names(await allIn(candidates.walk(order, limit)))
}

test('each tenant is there once, in the order of its list, as often as it is walked', async () => {
  await withCandidates(db.control, async (candidates) => {
    await candidates.add([here('c'), here('a')], { isListed: true })
    await candidates.add([here('a'), here('b'), here('b')], { isListed: true })
    expect(await walked(candidates)).toEqual(['c', 'a', 'b'])
    expect(await walked(candidates, 'listed', 2)).toEqual(['c', 'a'])
    expect(names(await allIn(candidates.pages()))).toEqual(['c', 'a', 'b'])
  })
})

test('a share counts those of each state, and others are not walked', async () => {
  await withCandidates(db.control, async (candidates) => {
    const some: Candidate[] = [
      here('a', 1),
      here('b', 60),
      { tenant: 'c', state: 'moved', percentile: 2 },
      { tenant: 'd', state: 'busy', percentile: 9.9 },
    ]
    await candidates.add(some, { isListed: false })
    const counts = await candidates.narrow(10)
    expect(counts).toEqual({ all: 4, least: 1, here: 1, moved: 1, busy: 1 })
    expect(await walked(candidates)).toEqual(['a'])
    expect(await candidates.firstUnlisted()).toBe('a')
    await candidates.list(['a', 'elsewhere'])
    expect(await candidates.firstUnlisted()).toBe('b')
    expect(await candidates.unlistedOf(['x', 'a', 'd'])).toEqual(['x', 'd'])
  })
})

const keys: Readonly<Record<string, Fact>> = { a: 30, b: 4, c: 'text', d: null, e: 4 }

test('a fact orders tenants: numbers, then texts, equal ones as listed, and none last', async () => {
  await withCandidates(db.control, async (candidates) => {
    await candidates.add(
      Object.keys(keys).map((one) => here(one)),
      { isListed: true },
    )
    const all = await allIn(candidates.pages())
    const judged = all.map(({ n, tenant }) => {
      return { n, facts: { tenant }, fits: true, key: keys[tenant] ?? null }
    })
    await candidates.judge(judged)
    expect(await walked(candidates, 'rising')).toEqual(['b', 'e', 'a', 'c', 'd'])
    expect(await walked(candidates, 'falling')).toEqual(['c', 'a', 'b', 'e', 'd'])
    expect((await allIn(candidates.walk('rising', 1)))[0]?.facts).toEqual({ tenant: 'b' })
    await candidates.judge(judged.map((one) => ({ ...one, fits: one.facts.tenant !== 'b' })))
    expect(await walked(candidates, 'rising')).toEqual(['e', 'a', 'c', 'd'])
  })
})

test('a list orders tenants by their first place in it, and those that it lacks come last', async () => {
  await withCandidates(db.control, async (candidates) => {
    await candidates.add(
      ['a', 'b', 'c', 'd'].map((one) => here(one)),
      { isListed: true },
    )
    await candidates.place(0, ['d', 'x', 'd'])
    await candidates.place(3, ['b', 'd'])
    expect(await walked(candidates, 'places')).toEqual(['d', 'b', 'a', 'c'])
  })
})

test('waves that name a tenant and its hold are kept with it', async () => {
  await withCandidates(db.control, async (candidates) => {
    await candidates.add([here('a'), here('b')], { isListed: true })
    await candidates.name(0, ['b', 'elsewhere'])
    await candidates.name(2, ['b'])
    const completeAfter = new Date(1_000)
    const hold = { held: true, completeAfter, windows: null }
    await candidates.hold([{ n: (await allIn(candidates.pages()))[1]?.n ?? 0, hold }])
    const kept = await allIn(candidates.walk('listed', undefined))
    expect(kept.map((one) => [one.named, one.hold])).toEqual([
      [[], null],
      [[0, 2], hold],
    ])
  })
})

test('a walk of more tenants than a page has reads all of them', async () => {
  await withCandidates(db.control, async (candidates) => {
    const many = Array.from({ length: 11_000 }, (_, i) => here(`t${i}`))
    await candidates.add(many, { isListed: true })
    const all = many.map(({ tenant }) => tenant)
    expect(await walked(candidates)).toEqual(all)
    expect(names(await allIn(candidates.pages()))).toEqual(all)
  })
})

test('nothing stays in the session, whether the work succeeds or fails', async () => {
  for (const fails of [false, true, false]) {
    const work = withCandidates(db.control, async (candidates) => {
      await candidates.add([here('a')], { isListed: true })
      if (fails) throw new Error('stop')
      return 'done'
    })
    if (fails) await expect(work).rejects.toThrow('stop')
    else expect(await work).toBe('done')
  }
  const left = `select count(*)::int as n from pg_class where relname = 'candidates'`
  expect((await db.control.pool.query(left)).rows).toEqual([{ n: 0 }])
})

test('many at once wait for each other, and each may ask the control database for more', async () => {
  const { control } = db
  const asked = Array.from({ length: 12 }, (_, i) =>
    withCandidates(control, async (candidates) => {
      await candidates.add([here(String(i))], { isListed: true })
      await control.pool.query('select 1')
      return await walked(candidates)
    }),
  )
  expect(await Promise.all(asked)).toEqual(asked.map((_, i) => [String(i)]))
})

test('what was stored stands, though the session is lost before its table is gone', async () => {
  const done = withCandidates(db.control, async () => {
    await db.control.pool.query(`select pg_terminate_backend(pid) from pg_stat_activity
      where query like 'drop table if exists pg_temp%' and datname = current_database()`)
    return 'stored'
  })
  expect(await done).toBe('stored')
})
