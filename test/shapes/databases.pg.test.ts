// Each tenant has a database of its own, at either end or both: it moves from there and to there,
// offline and online, between all shapes, and comes back with what was written since.
import { expect, test } from 'vitest'
import { type Endpoint, postgres } from '../../src/plan/endpoint.ts'
import type { TestDatabase } from '../helpers/database.ts'
import {
  createPlacesWorld,
  fill,
  makeTables,
  type PlacesWorld,
  rowsAt,
  type Shape,
  type Spot,
  tryWrite,
  writeUntilRefused,
} from '../helpers/places/places.ts'
import { partOf } from '../helpers/rotation.ts'

const tenants = ['acme', 'other'] as const

/** One end of that shape, with the tenants' tables in it. */
async function endOf(world: PlacesWorld, shape: Shape) {
  const common = await world.database()
  const own = new Map<string, TestDatabase>()
  for (const tenant of tenants) own.set(tenant, await world.database())
  const spot = (tenant: string): Spot => {
    return { shape, tenant, at: (shape === 'database' && own.get(tenant)) || common }
  }
  for (const tenant of tenants) await makeTables(spot(tenant))
  const urlFrom = `URL_${common.name}`
  const endpoints: Record<Shape, Endpoint> = {
    column: postgres({ urlFrom }),
    schema: postgres({ urlFrom, schema: (tenant) => `tenant_${tenant}` }),
    database: postgres({ url: (tenant, env) => env[`URL_${own.get(tenant)?.name}`] ?? '' }),
  }
  return { spot, endpoint: endpoints[shape] }
}

const journeys: readonly (readonly [Shape, Shape, 'offline' | 'online'])[] = [
  ['database', 'database', 'online'],
  ['database', 'schema', 'offline'],
  ['column', 'database', 'online'],
  ['database', 'column', 'online'],
  ['schema', 'database', 'online'],
  ['database', 'database', 'offline'],
  ['column', 'database', 'offline'],
  ['database', 'schema', 'online'],
  ['database', 'column', 'offline'],
  ['schema', 'database', 'offline'],
]

/** The place that a move notes: null, where it is that of its run. */
function placeOf({ shape, at }: Spot) {
  return shape === 'database' ? expect.stringMatching(`/${at.name}$`) : null
}

test.each(partOf(journeys, 5))(
  'a tenant moves from its %s to a %s %s, back, and again',
  async (from, to, strategy) => {
    await using world = await createPlacesWorld()
    const [source, target] = [await endOf(world, from), await endOf(world, to)]
    for (const [i, tenant] of tenants.entries()) await fill(source.spot(tenant), i + 1)
    const plan = world.use({
      ...{ source: source.endpoint, target: target.endpoint, tenants, strategy },
      rollback: { windowMs: 3_600_000 },
    })
    const installed = await world.init()
    const [here, there] = [source.spot('acme'), target.spot('acme')]
    for (const { shape, at } of [here, there]) {
      if (shape !== 'database') continue
      expect(installed).toContainEqual(expect.stringMatching(`^the fence at .*/${at.name}\\)`))
      const guard = `^the guard of "orders" in .*/${at.name} `
      expect(installed).toContainEqual(expect.stringMatching(guard))
    }
    expect(await world.rehome.check(plan)).toEqual([])
    expect(await world.init()).toEqual([])
    const others = await rowsAt(source.spot('other'))

    const writing = strategy === 'online' ? writeUntilRefused(here, 15_000) : null
    const move = await world.move('acme')
    await writing
    expect(await rowsAt(there)).toEqual(await rowsAt(here))
    expect([move.source, move.target]).toEqual([placeOf(here), placeOf(there)])
    expect(await tryWrite(here)).toBe('25006 rehome:fenced')
    expect(await tryWrite(there)).toBe('accepted')
    expect(await tryWrite(source.spot('other'))).toBe('accepted')
    const home = expect.stringContaining(there.at.name)
    expect(await world.rehome.where([plan], 'acme')).toMatchObject({ home, writes: 'accepted' })

    const more = writeUntilRefused(there, 17_000)
    const back = await world.carry('acme', (runId) =>
      world.rehome.rollback(runId, { tenants: ['acme'] }),
    )
    await more
    expect(back).toMatchObject({ phase: 'rolled_back', error_message: null })
    expect(await rowsAt(here)).toEqual(await rowsAt(there))
    expect(await tryWrite(here)).toBe('accepted')
    expect(await tryWrite(there)).toBe('25006 rehome:fenced')

    const end = await rowsAt(here)
    await world.move('acme')
    await world.carry('acme', (runId) => world.rehome.finalize(runId, { tenants: ['acme'] }))
    const cleaned = await world.carry('acme', (runId) =>
      world.rehome.cleanup(runId, { tenants: ['acme'] }),
    )
    expect(cleaned).toMatchObject({ phase: 'cleaned', error_message: null })
    expect(await rowsAt(here)).toEqual([])
    expect(await rowsAt(there)).toEqual(end)
    const unlike = (row: string) => row.replace(/"total".*/, '')
    expect((await rowsAt(source.spot('other'))).map(unlike)).toEqual(others.map(unlike))
  },
)

test('what is missing of a database, and what no tenant can have, is named', async () => {
  await using world = await createPlacesWorld()
  const [one, common] = [await world.database(), await world.database()]
  await makeTables({ shape: 'database', tenant: 'acme', at: one })
  await makeTables({ shape: 'column', tenant: '', at: common })
  await fill({ shape: 'database', tenant: 'acme', at: one }, 1)
  const gone = one.url.replace(/[^/]*$/, 'no_such_database')
  const urls: Record<string, string> = {
    acme: one.url,
    gone,
    twin: one.url,
    text: 'host=x password=secret',
  }
  const database = postgres({ url: (tenant) => urls[tenant] ?? '' })
  const shared = postgres({ urlFrom: `URL_${common.name}` })
  const plan = world.use({ source: database, target: shared, tenants: ['acme', 'gone'] })
  await world.init()
  expect(await world.rehome.check(plan)).toEqual([])
  expect(await world.rehome.enqueue(plan, { dryRun: true, tenants: ['acme'] })).toMatchObject({
    tenants: ['acme'],
  })
  await expect(world.rehome.enqueue(plan, { tenants: ['gone'] })).rejects.toMatchObject({
    code: 'TENANT_UNKNOWN',
  })

  const finding = await world.rehome.check({ ...plan, source: shared, target: database })
  expect(finding).toContainEqual({
    where: 'target',
    message:
      'there is no database with tables for tenant "gone": create it with its tables, then run `rehome init`; or say `prepare`',
  })
  await expect(world.rehome.check({ ...plan, tenants: ['acme', 'twin'] })).rejects.toMatchObject({
    code: 'PLAN_INVALID',
    message: expect.stringMatching(/`source.url` names .* for both tenants "acme" and "twin"/),
  })
  await expect(world.rehome.check({ ...plan, tenants: ['text'] })).rejects.toMatchObject({
    code: 'PLAN_INVALID',
    message:
      'plan field `source.url` has to return a postgres:// URL, and returns a text that is none for tenant "text"',
  })
})
