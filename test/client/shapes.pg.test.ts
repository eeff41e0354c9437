// The example applications whose tenants are a column, a schema or a database, used over HTTP while
// their tenants really move, and come back with what was saved.
import type { AddressInfo } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { type App, inColumns, inDatabases, inSchemas } from '../../examples/shapes/customers.ts'
import { placeOf } from '../../src/place.ts'
import { type Endpoint, postgres } from '../../src/plan/endpoint.ts'
import type { TestDatabase } from '../helpers/database.ts'
import { eventually } from '../helpers/eventually.ts'
import { createPlacesWorld, fill, makeTables, type Shape } from '../helpers/places/places.ts'
import { partOf } from '../helpers/rotation.ts'

const tenants = ['acme', 'bolt', 'coil', 'dune'] as const

interface Users {
  readonly saved: number[]
  readonly refused: unknown[]
  stop(): Promise<void>
}

/** Two people of acme save one customer after the other, and somebody of each other tenant. */
function usersOf(url: string): Users {
  const [saved, refused]: [number[], unknown[]] = [[], []]
  let goesOn = true
  let next = 500_000
  const person = async (tenant: string) => {
    while (goesOn) {
      next += 1
      const id = next
      const body = JSON.stringify({ id, name: 'saved' })
      const response = await fetch(`${url}/${tenant}/customers`, { method: 'POST', body })
      if (response.status !== 201) refused.push(await response.json())
      else if (tenant === 'acme') saved.push(id)
      await delay(15)
    }
  }
  const all = ['acme', ...tenants].map(person)
  const stop = async () => {
    goesOn = false
    await Promise.all(all)
  }
  return { saved, refused, stop }
}

test.each(partOf<Shape>(['database', 'schema', 'column'], 3))(
  'users save while their tenant, a %s, moves, and comes back with what they saved',
  async (shape) => {
    await using world = await createPlacesWorld()
    const databases = new Map<string, TestDatabase>()
    for (const end of ['old', 'new']) {
      for (const tenant of shape === 'database' ? tenants : ['']) {
        databases.set(`${end} ${tenant}`, await world.database())
      }
    }
    const at = (end: string, tenant: string) =>
      databases.get(`${end} ${shape === 'database' ? tenant : ''}`) as TestDatabase
    for (const [i, tenant] of tenants.entries()) {
      for (const end of ['old', 'new']) await makeTables({ shape, tenant, at: at(end, tenant) })
      await fill({ shape, tenant, at: at('old', tenant) }, i + 1)
    }
    const endpoint = (end: string): Endpoint => {
      const urlFrom = `URL_${at(end, '')?.name}`
      if (shape === 'database') return postgres({ url: (tenant) => at(end, tenant).url })
      return postgres({ urlFrom, ...(shape === 'schema' && { schema: (id) => `tenant_${id}` }) })
    }
    const urls = { old: at('old', 'acme').url, new: at('new', 'acme').url }
    const places = new Map([...databases.values()].map(({ url }) => [placeOf(url), url]))
    const apps: Record<Shape, () => App> = {
      column: () => inColumns(urls),
      schema: () => inSchemas(urls),
      database: () =>
        inDatabases({
          first: (tenant) => placeOf(at('old', tenant).url),
          urlAt: (place) => places.get(place) ?? '',
        }),
    }
    const app = apps[shape]()
    await new Promise<void>((resolve) => app.server.listen(0, '127.0.0.1', resolve))
    const url = `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`
    world.use({
      ...{ source: endpoint('old'), target: endpoint('new'), tenants, strategy: 'online' },
      rollback: { windowMs: 3_600_000 },
    })
    await world.init()
    const users = usersOf(url)
    await world.move('acme')
    const sofar = users.saved.length
    const back = await world.carry('acme', (runId) =>
      world.rehome.rollback(runId, { tenants: ['acme'] }),
    )
    expect(back).toMatchObject({ phase: 'rolled_back' })
    await eventually(() => expect(users.saved.length).toBeGreaterThan(sofar + 5))
    await users.stop()
    expect(users.refused).toEqual([])
    const listed = (await (await fetch(`${url}/acme/customers`)).json()) as { id: number }[]
    const added = listed.map(({ id }) => id).filter((id) => id > 500_000)
    expect(added).toEqual(users.saved.toSorted())
    await app.close()
  },
)
