// A tenant goes from the pool to a silo and back with its writes, and an end of many databases
// keeps few connections.
import pg from 'pg'
import { expect, test } from 'vitest'
import { closeEnds, openEnds } from '../../src/coordinator/installation.ts'
import { endOf } from '../../src/ends/end.ts'
import { checkPlan } from '../../src/plan/check-plan.ts'
import { postgres } from '../../src/plan/endpoint.ts'
import type { TestDatabase } from '../helpers/database.ts'
import {
  createPlacesWorld,
  fill,
  makeTables,
  rowsAt,
  type Spot,
  tryWrite,
  writeUntilRefused,
} from '../helpers/places/places.ts'

test('a tenant goes from the pool to a silo and back to the pool, and keeps all writes', async () => {
  await using world = await createPlacesWorld()
  const [pool, silo] = [await world.database(), await world.database()]
  const inPool: Spot = { shape: 'column', tenant: 'acme', at: pool }
  const inSilo: Spot = { shape: 'database', tenant: 'acme', at: silo }
  await makeTables(inPool)
  await makeTables(inSilo)
  await fill(inPool, 1)
  await fill({ ...inPool, tenant: 'other' }, 2)
  const other = await rowsAt({ ...inPool, tenant: 'other' })
  const ends = {
    pool: postgres({ urlFrom: `URL_${pool.name}` }),
    silo: postgres({ url: () => silo.url }),
  }
  const online = { ends, tenants: ['acme'], strategy: 'online' } as const
  world.use({ ...online, source: 'pool', target: 'silo' })
  await world.init()
  const first = writeUntilRefused(inPool, 15_000)
  await world.move('acme')
  await first
  const went = await rowsAt(inSilo)
  expect(went).toEqual(await rowsAt(inPool))
  await world.carry('acme', (id) => world.rehome.finalize(id, { tenants: ['acme'] }))

  world.use({ ...online, name: 'back', source: 'silo', target: 'pool' })
  await world.init()
  const second = writeUntilRefused(inSilo, 17_000)
  await world.move('acme')
  await second
  const back = await rowsAt(inPool)
  expect(back).toEqual(await rowsAt(inSilo))
  expect(back.length).toBeGreaterThan(went.length)
  expect(await rowsAt({ ...inPool, tenant: 'other' })).toEqual(other)
  expect(await tryWrite(inPool)).toBe('accepted')
  expect(await tryWrite(inSilo)).toBe('25006 rehome:fenced')
})

test('an end of many databases keeps idle connections to a stated number of them', async () => {
  await using world = await createPlacesWorld()
  const made = new Map<string, TestDatabase>()
  for (let i = 0; i < 6; i += 1) made.set(`t${i}`, await world.database())
  const tenants = [...made.keys()]
  for (const tenant of tenants) {
    await makeTables({ shape: 'database', tenant, at: made.get(tenant) as TestDatabase })
  }
  const common = await world.database()
  await makeTables({ shape: 'column', tenant: '', at: common })
  const url = (tenant: string) => made.get(tenant)?.url ?? ''
  const source = postgres({ url, databases: 2 })
  const plan = world.use({ source, target: postgres({ urlFrom: `URL_${common.name}` }), tenants })
  await world.init()
  const ends = openEnds(checkPlan(plan), world.environment)
  for (const tenant of tenants) await endOf(ends.source, tenant).rows.stamp()
  const client = new pg.Client(common.url)
  await client.connect()
  const connected = async () => {
    const query = `select count(distinct datname)::int as n from pg_stat_activity
      where application_name like 'rehome source%' and datname = any ($1)`
    return (await client.query(query, [[...made.values()].map(({ name }) => name)])).rows[0].n
  }
  endOf(ends.source, 't5')
  await expect.poll(connected, { timeout: 5_000 }).toBe(2)
  await client.end()
  await closeEnds(ends)
})
