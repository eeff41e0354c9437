// A directory that has the names of ends, which functions of the plan choose.
import { expect, test } from 'vitest'
import { postgres } from '../../src/plan/endpoint.ts'
import { sql } from '../../src/plan/sql-text.ts'
import { ended } from '../helpers/runs.ts'
import { createWorld } from '../helpers/world.ts'

test('a directory gets the name of the end that a tenant has moved to, and of the one it came back to', async () => {
  const places: string[] = []
  await using world = await createWorld({
    both: 'create table places (tenant text primary key, name text not null)',
    plan: {
      ends: {
        main: postgres({ urlFrom: 'SOURCE_URL' }),
        eu: postgres({ urlFrom: 'TARGET_URL' }),
      },
      tenants: ['acme'],
      source: () => 'main',
      target: () => 'eu',
      cutover: {
        also: (tenant, { name = '' }) =>
          sql`update places set name = ${name} where tenant = ${tenant}`,
        onMoved: async ({ home: { name, place } }) => void places.push(`${name} ${place}`),
      },
    },
  })
  await world.addTenant('acme', 2)
  await world.source.pool.query(`insert into places values ('acme', 'main')`)
  const nameOf = async () =>
    (await world.source.pool.query(`select name from places`)).rows.map(({ name }) => name)
  await using _worker = await world.work()
  const { runId } = await world.rehome.enqueue(world.plan())
  await ended(world, runId)
  expect(await nameOf()).toEqual(['eu'])
  await world.rehome.rollback(runId ?? '', { tenants: ['acme'], discardWrites: true })
  await ended(world, runId)
  expect(await nameOf()).toEqual(['main'])
  const at = (name: string, url: string) => `${name} ${new URL(url).host}${new URL(url).pathname}`
  expect(places).toEqual([at('eu', world.target.url), at('main', world.source.url)])
})
