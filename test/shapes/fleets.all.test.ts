// Many tenants, each with many tables: schemas of a server and databases of their own go to other
// shapes online while their applications write, come back with what was written, go again, and are
// cleaned up. In the end whole databases are compared with one in which no tenant has moved.
import { expect, test } from 'vitest'
import { inParallel } from '../../src/parallel.ts'
import { postgres } from '../../src/plan/endpoint.ts'
import type { PlanInput } from '../../src/plan/plan.ts'
import type { TestDatabase } from '../helpers/database.ts'
import {
  createShadow,
  fillMany,
  followWith,
  makeMany,
  plannedTables,
  wholeOf,
} from '../helpers/places/many-tables.ts'
import { createPlacesWorld, type PlacesWorld, type Spot } from '../helpers/places/places.ts'

const { signal } = new AbortController()

interface Fleet {
  readonly world: PlacesWorld
  readonly shadow: TestDatabase
  readonly tables: number
  readonly first?: number
  /** Where a tenant is, and where it goes. */
  readonly spots: ReadonlyMap<string, readonly [Spot, Spot]>
}

/** On, back with writes, on again, cleaned up; the tenant's application writes all the time. */
async function liveThrough({ world, shadow, tables, spots, first = 1 }: Fleet): Promise<void> {
  await inParallel([...spots], { limit: 4, signal }, async ([tenant, both]) => {
    await using writer = followWith(both, { shadow, count: tables, first })
    await writer.wrote(5)
    const only = { tenants: [tenant] }
    await world.move(tenant)
    await writer.wrote(tables)
    const back = await world.carry(tenant, (run) => world.rehome.rollback(run, only))
    expect(back).toMatchObject({ phase: 'rolled_back', error_message: null })
    await writer.wrote(tables)
    await world.move(tenant)
    await writer.wrote(5)
    await world.carry(tenant, (run) => world.rehome.finalize(run, only))
    const cleaned = await world.carry(tenant, (run) => world.rehome.cleanup(run, only))
    expect(cleaned).toMatchObject({ phase: 'cleaned', error_message: null })
    await writer.wrote(5)
  })
}

const online = {
  strategy: 'online',
  rollback: { windowMs: 3_600_000 },
  fence: { leaseMs: 20_000, drainMs: 10_000 },
} satisfies Partial<PlanInput>

const idsOf = (first: number, count: number) =>
  Array.from({ length: count }, (_, i) => `t${first + i}`)

test('fifty schemas of thirty tables go to schemas and into shared tables', async () => {
  const tables = 30
  await using world = await createPlacesWorld()
  await using shadow = await createShadow(tables)
  const [source, target] = [await world.database(), await world.database()]
  await makeMany({ shape: 'column', tenant: '', at: target }, tables)
  await makeMany({ shape: 'schema', tenant: '', at: target }, tables, 'tenant_template')
  const [ofSchemas, ofShared] = [idsOf(1, 25), idsOf(26, 25)]
  const spotsOf = (ids: readonly string[], shape: Spot['shape']) =>
    new Map(
      ids.map((tenant) => {
        const there: Spot = { shape, tenant, at: target }
        return [tenant, [{ shape: 'schema', tenant, at: source }, there] as const] as const
      }),
    )
  for (const tenant of [...ofSchemas, ...ofShared]) {
    await makeMany({ shape: 'schema', tenant, at: source }, tables)
    await fillMany({ shape: 'schema', tenant, at: source }, tables)
    await fillMany({ shape: 'column', tenant, at: shadow }, tables)
  }
  const schema = (tenant: string) => `tenant_${tenant}`
  const plan = { ...online, ...plannedTables(tables) }
  const from = postgres({ urlFrom: `URL_${source.name}`, schema })
  const urlFrom = `URL_${target.name}`
  const like = { prepare: { like: 'tenant_template' } }
  world.use({
    ...plan,
    ...like,
    source: from,
    target: postgres({ urlFrom, schema }),
    tenants: ofSchemas,
  })
  await world.init()
  await liveThrough({ world, shadow, tables, spots: spotsOf(ofSchemas, 'schema') })
  world.use({
    ...plan,
    name: 'shared',
    source: from,
    target: postgres({ urlFrom }),
    tenants: ofShared,
  })
  await world.init()
  await liveThrough({ world, shadow, tables, spots: spotsOf(ofShared, 'column') })
  expect(await wholeOf(target)).toEqual(await wholeOf(shadow))
  expect(await wholeOf(source)).toEqual([])
}, 1_800_000)

test('twenty databases go into shared tables and into schemas', async () => {
  const tables = 6
  await using world = await createPlacesWorld()
  await using shadow = await createShadow(tables)
  const target = await world.database()
  await makeMany({ shape: 'column', tenant: '', at: target }, tables)
  const ids = idsOf(1, 20)
  const own = new Map<string, TestDatabase>()
  const spots = new Map<string, readonly [Spot, Spot]>()
  for (const [i, tenant] of ids.entries()) {
    const at = await world.database()
    own.set(tenant, at)
    const [here, there] = [
      { shape: 'database', tenant, at },
      { shape: i % 2 === 0 ? 'column' : 'schema', tenant, at: target },
    ] as const
    spots.set(tenant, [here, there])
    for (const spot of there.shape === 'schema' ? [here, there] : [here]) {
      await makeMany(spot, tables)
    }
    await fillMany(here, tables)
    await fillMany({ shape: 'column', tenant, at: shadow }, tables)
  }
  const source = postgres({
    url: (tenant, env) => env[`URL_${own.get(tenant)?.name}`] ?? '',
    databases: 4,
  })
  const plan = { ...online, ...plannedTables(tables), source }
  const urlFrom = `URL_${target.name}`
  const targets = {
    column: postgres({ urlFrom }),
    schema: postgres({ urlFrom, schema: (tenant) => `tenant_${tenant}` }),
  }
  for (const shape of ['column', 'schema'] as const) {
    const some = new Map([...spots].filter(([, [, there]]) => there.shape === shape))
    world.use({ ...plan, name: shape, target: targets[shape], tenants: [...some.keys()] })
    await world.init()
    await liveThrough({ world, shadow, tables, spots: some })
  }
  expect(await wholeOf(target)).toEqual(await wholeOf(shadow))
  for (const at of own.values()) expect(await wholeOf(at)).toEqual([])
}, 900_000)

test('tenants go from the pool to silos and back to the pool, and keep all writes', async () => {
  const tables = 6
  await using world = await createPlacesWorld()
  await using shadow = await createShadow(tables)
  const pool = await world.database()
  await makeMany({ shape: 'column', tenant: '', at: pool }, tables)
  const ids = idsOf(1, 3)
  const stays = 't9'
  for (const tenant of [...ids, stays]) {
    await fillMany({ shape: 'column', tenant, at: pool }, tables)
    await fillMany({ shape: 'column', tenant, at: shadow }, tables)
  }
  const silos = new Map<string, Spot>()
  for (const tenant of ids) {
    const silo: Spot = { shape: 'database', tenant, at: await world.database() }
    await makeMany(silo, tables)
    silos.set(tenant, silo)
  }
  const ends = {
    pool: postgres({ urlFrom: `URL_${pool.name}` }),
    silo: postgres({ url: (tenant, env) => env[`URL_${silos.get(tenant)?.at.name}`] ?? '' }),
  }
  const plan = { ...online, ...plannedTables(tables), ends, tenants: ids }
  await using bystander = followWith([{ shape: 'column', tenant: stays, at: pool }], {
    ...{ shadow, count: tables, first: 1 },
  })
  const through = async (name: string, isBack: boolean) => {
    const [source, target] = isBack ? ['silo', 'pool'] : ['pool', 'silo']
    world.use({ ...plan, name, source: source ?? '', target: target ?? '' })
    await world.init()
    const spots = new Map<string, readonly [Spot, Spot]>()
    for (const [tenant, silo] of silos) {
      const inPool: Spot = { shape: 'column', tenant, at: pool }
      spots.set(tenant, isBack ? [silo, inPool] : [inPool, silo])
    }
    await liveThrough({ world, shadow, tables, spots, first: isBack ? 100_000 : 1 })
  }
  await through('out', false)
  const out = await Promise.all([...silos.values()].map(({ at }) => wholeOf(at)))
  for (const rows of out) expect(rows.length).toBeGreaterThan(tables * 4)
  await through('home', true)
  expect(bystander.count).toBeGreaterThan(100)
  await bystander[Symbol.asyncDispose]()
  expect(await wholeOf(pool)).toEqual(await wholeOf(shadow))
  for (const { at } of silos.values()) expect(await wholeOf(at)).toEqual([])
}, 900_000)
