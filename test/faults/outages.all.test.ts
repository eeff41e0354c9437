// Servers crash, and come back or not, while a tenant is moved: it ends well, or where it began.
import { Redis } from 'ioredis'
import { describe, expect, test } from 'vitest'
import { startPostgres } from '../../dev/postgres.ts'
import { startRedis } from '../../dev/redis/redis.ts'
import { queueBackends } from '../helpers/backends.ts'
import { eventually } from '../helpers/eventually.ts'
import { copying } from '../helpers/moments/reached.ts'
import { ended, expectHome, rowsAt, tryWrite } from '../helpers/runs.ts'
import { createWorld, type World, type WorldOptions } from '../helpers/world.ts'

const timeout = 240_000
const slowly = { chunkRows: 20, attempts: 9, fence: { leaseMs: 2_000, drainMs: 2_000 } }

async function expectMoved(world: World, runId: string | null): Promise<void> {
  // The control database may still be coming up.
  await eventually(async () => await world.rehome.status(runId ?? ''), { withinMs: 30_000 })
  for (const move of (await ended(world, runId)).values()) expect(move.phase).toBe('moved')
}

describe('a PostgreSQL server that crashes and comes back', () => {
  test.each(['source', 'target', 'control'] as const)(
    'as the %s while rows are copied delays the move, and no more',
    { timeout },
    async (role) => {
      await using server = await startPostgres({ name: role })
      const on: Record<typeof role, WorldOptions> = {
        source: { sourceOn: server },
        target: { targetOn: server },
        control: { controlOn: server },
      }
      await using world = await createWorld({ ...on[role], plan: slowly })
      await world.addTenant('acme', 2000)
      await using _worker = await world.work()
      const midway = copying('acme')
      const { runId } = await world.rehome.enqueue(world.plan())
      await midway
      await server.restart('immediate')
      await expectMoved(world, runId)
      expect(await rowsAt(world, 'target', 'acme')).toEqual(await rowsAt(world, 'source', 'acme'))
      await expectHome(world, 'acme', 'target')
    },
  )

  test('as the control database for longer than the lease keeps no tenant closed', {
    timeout,
  }, async () => {
    await using server = await startPostgres({ name: 'control' })
    await using world = await createWorld({ controlOn: server, plan: slowly })
    await world.addTenant('acme', 2000)
    await using _worker = await world.work()
    const midway = copying('acme')
    const { runId } = await world.rehome.enqueue(world.plan())
    await midway
    await server.down('immediate')
    await eventually(async () => expect(await tryWrite(world, 'source', 'acme')).toBe('accepted'))
    await server.up()
    await expectMoved(world, runId)
    await expectHome(world, 'acme', 'target')
  })
})

const redis = queueBackends()[0]
describe.skipIf(redis?.skip !== undefined)('a Redis', () => {
  test.each([
    ['is killed and comes back empty', 'down and up'],
    ['is emptied', 'flushed'],
  ])('that %s loses no move', { timeout }, async (_, how) => {
    await using server = await startRedis({ name: 'queue' })
    const backend = { name: 'redis', redisUrl: server.url } as const
    await using world = await createWorld({ backend, plan: slowly })
    const tenants = Array.from({ length: 12 }, (_, i) => `tenant ${i}`)
    for (const tenant of tenants) await world.addTenant(tenant, 100)
    await using _worker = await world.work()
    const midway = copying('tenant 3')
    const { runId } = await world.rehome.enqueue(world.plan())
    await midway
    if (how === 'flushed') await flush(server.url)
    else await server.restart('immediate')
    await expectMoved(world, runId)
    for (const tenant of tenants) await expectHome(world, tenant, 'target')
  })
})

async function flush(url: string): Promise<void> {
  const client = new Redis(url)
  await client.flushall()
  client.disconnect()
}
