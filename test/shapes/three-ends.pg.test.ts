// Tenants move among three named ends: on, back and crosswise. After every step each tenant is at
// exactly one home: one database accepts its writes among those where it has been, and `where`
// names it.
import { expect, test } from 'vitest'
import { postgres } from '../../src/plan/endpoint.ts'
import { byHash, byLeast, byList } from '../../src/plan/homes/placement.ts'
import type { TestDatabase } from '../helpers/database.ts'
import { createPlacesWorld, fill, makeTables, rowsAt, tryWrite } from '../helpers/places/places.ts'
import { takesAll } from '../helpers/rotation.ts'

const tenants = ['acme', 'bolt', 'coil'] as const
const names = ['main', 'eu', 'us'] as const
type Name = (typeof names)[number]

test('three tenants move on, back and crosswise among three ends, and each has one home', async () => {
  await using world = await createPlacesWorld()
  const databases = new Map<Name, TestDatabase>()
  for (const name of names) databases.set(name, await world.database())
  const at = (name: Name) => databases.get(name) as TestDatabase
  const spot = (tenant: string, name: Name) => ({ shape: 'column', tenant, at: at(name) }) as const
  const ends = Object.fromEntries(
    names.map((name) => [name, postgres({ urlFrom: `URL_${at(name).name}` })]),
  )
  for (const name of names) await makeTables(spot('', name))
  const rows = new Map<string, string[]>()
  const homes: Record<string, Name> = { acme: 'eu', bolt: 'us', coil: 'main' }
  for (const [i, [tenant, home]] of Object.entries(homes).entries()) {
    await fill(spot(tenant, home), i + 1)
    rows.set(tenant, await rowsAt(spot(tenant, home)))
  }

  const plan = (to: Record<string, Name>) =>
    world.use({ ends, source: byList({ ...homes }), target: byList({ ...homes, ...to }), tenants })
  const go = async (to: Record<string, Name>) => {
    const current = plan(to)
    await world.init()
    expect(await world.rehome.check(current)).toEqual([])
    for (const tenant of Object.keys(to)) await world.move(tenant)
    Object.assign(homes, to)
    const found = new Map<string, string>()
    await world.rehome.whereAll([current], ({ tenant, home, writes }) => {
      found.set(tenant, `${home?.split('/').at(-1)} ${writes}`)
    })
    expect(found).toEqual(
      new Map(tenants.map((id) => [id, `${at(homes[id] ?? 'main').name} accepted`])),
    )
    for (const tenant of tenants) {
      const home = homes[tenant] ?? 'main'
      expect(await rowsAt(spot(tenant, home))).toEqual(rows.get(tenant))
      const others = names.filter((name) => name !== home)
      for (const other of others) {
        if ((await rowsAt(spot(tenant, other))).length === 0) continue
        expect(await tryWrite(spot(tenant, other))).toBe('25006 rehome:fenced')
      }
    }
  }
  // Two tenants exchange their ends.
  await go({ acme: 'us', bolt: 'eu' })
  if (takesAll()) {
    await go({ coil: 'us' })
    await go({ acme: 'main', coil: 'eu' })
    await go({ acme: 'eu', bolt: 'main', coil: 'us' })
  }
})

test('tenants whose two ends are the same, and those who live elsewhere, are passed over', async () => {
  await using world = await createPlacesWorld()
  const [main, eu] = [await world.database(), await world.database()]
  const ends = {
    main: postgres({ urlFrom: `URL_${main.name}` }),
    eu: postgres({ urlFrom: `URL_${eu.name}` }),
  }
  for (const at of [main, eu]) await makeTables({ shape: 'column', tenant: '', at })
  for (const [i, tenant] of tenants.entries())
    await fill({ shape: 'column', tenant, at: main }, i + 1)
  const named = (source: string, target: string) =>
    world.use({ ends, source: () => source, target: () => target, tenants })
  const settled = named('main', 'main')
  await world.init()
  expect(await world.rehome.check(settled)).toEqual([])
  expect(await world.rehome.enqueue(settled)).toMatchObject({
    runId: null,
    passedOver: { moved: 3 },
  })
  named('main', 'eu')
  await world.init()
  await world.move('acme')
  const again = await world.rehome.enqueue(named('main', 'eu'), { dryRun: true })
  expect(again).toMatchObject({ tenants: ['bolt', 'coil'], passedOver: { moved: 1 } })
  await expect(world.rehome.check(named('asia', 'eu'))).rejects.toMatchObject({
    code: 'PLAN_INVALID',
    message:
      'plan field `source` names an end for tenant "acme": "asia" is none of `ends` (main, eu)',
  })
})

test('a move, and its rollback, go between the ends that were chosen when it was enqueued', async () => {
  await using world = await createPlacesWorld()
  const [main, eu, us] = [await world.database(), await world.database(), await world.database()]
  const ends = Object.fromEntries(
    Object.entries({ main, eu, us }).map(([name, { name: is }]) => [
      name,
      postgres({ urlFrom: `URL_${is}` }),
    ]),
  )
  for (const at of [main, eu, us]) await makeTables({ shape: 'column', tenant: '', at })
  await fill({ shape: 'column', tenant: 'acme', at: main }, 1)
  const homes: unknown[] = []
  const [from, to] = [{ now: 'main' }, { now: 'eu' }]
  const plan = world.use({
    ...{ ends, source: () => from.now, target: () => to.now, tenants: ['acme'] },
    rollback: { windowMs: 3_600_000 },
    cutover: { onMoved: async ({ home }) => homes.push([home.end, home.name]) },
  })
  await world.init()
  const spot = (at: TestDatabase) => ({ shape: 'column', tenant: 'acme', at }) as const
  const rows = await rowsAt(spot(main))
  const move = await world.carry('acme', async () => {
    await world.rehome.enqueue(plan)
    to.now = 'us'
  })
  expect(move).toMatchObject({ phase: 'moved', error_code: null })
  expect(await rowsAt(spot(us))).toEqual([])
  expect(await rowsAt(spot(eu))).toEqual(rows)

  // A function that reads the directory, which has the tenant at its new home by now.
  from.now = 'eu'
  const back = await world.carry('acme', (runId) => {
    return world.rehome.rollback(runId, { tenants: ['acme'] })
  })
  expect(back).toMatchObject({ phase: 'rolled_back', error_code: null })
  expect(await tryWrite(spot(main))).toBe('accepted')
  expect(homes).toEqual([
    ['target', 'eu'],
    ['source', 'main'],
  ])
})

test('the ends are asked for the rows by which tenants are placed', async () => {
  await using world = await createPlacesWorld()
  const [main, eu, us] = [await world.database(), await world.database(), await world.database()]
  for (const at of [main, eu, us]) await makeTables({ shape: 'column', tenant: '', at })
  const ends = Object.fromEntries(
    Object.entries({ main, eu, us }).map(([name, at]) => [
      name,
      postgres({ urlFrom: `URL_${at.name}` }),
    ]),
  )
  // Each has 5 customers, 30 orders and 60 lines.
  for (const [i, tenant] of ['acme', 'bolt', 'stays'].entries()) {
    await fill({ shape: 'column', tenant, at: main }, i + 1)
  }
  await fill({ shape: 'column', tenant: 'elsewhere', at: eu }, 4)
  await main.pool.query(`insert into customers values ('bolt', 7, 'one more')`)
  const source = () => 'main'
  const plan = world.use({ ends, source, target: source, tenants: ['acme', 'bolt'] })
  await world.init()
  const loads = await world.rehome.loads(plan)
  expect(loads).toEqual({ ends: { main: 95, eu: 95, us: 0 }, tenants: { acme: 95, bolt: 96 } })
  const target = byLeast({ ...loads, ends: { eu: loads.ends.eu ?? 0, us: loads.ends.us ?? 0 } })
  expect(['acme', 'bolt'].map(target)).toEqual(['eu', 'us'])
})

test('placements by list, by hash and by least return the same in every process', () => {
  const ids = Array.from({ length: 3_000 }, (_, i) => `t${i}`)
  const [two, three] = [byHash(['eu', 'us']), byHash(['us', 'asia', 'eu'])]
  const moved = ids.filter((id) => two(id) !== three(id))
  expect(moved.every((id) => three(id) === 'asia')).toBe(true)
  expect(Math.abs(moved.length - 1_000)).toBeLessThan(150)
  expect(two('acme')).toBe('us')
  const least = byLeast({ ends: { eu: 100, us: 40 }, tenants: { a: 50, b: 30, c: 30 } })
  expect(['a', 'b', 'c'].map(least)).toEqual(['us', 'us', 'eu'])
  expect(() => least('d')).toThrow('placement `byList`: tenant "d" is not listed')
  expect(byList({ a: 'eu' }, 'us')('constructor')).toBe('us')
  expect(() => byHash([])).toThrow('placement `byHash`: there is no end to choose from')
})
