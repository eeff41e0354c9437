// Servers crash, queues forget, disks fill up while a tenant is moved: it ends well, or where it
// began.
import { rm, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { describe, expect, test } from 'vitest'
import { type PostgresServer, startPostgres } from '../../dev/postgres.ts'
import { startRedis } from '../../dev/redis.ts'
import { queueBackends } from '../helpers/backends.ts'
import { eventually } from '../helpers/eventually.ts'
import { ended, expectHome, flagsAt, rowsAt, tryWrite } from '../helpers/runs.ts'
import { createWorld, type World, type WorldOptions } from '../helpers/world.ts'

const timeout = 240_000
const slowly = { chunkRows: 20, attempts: 9, fence: { leaseMs: 2_000, drainMs: 2_000 } }

async function copying(world: World, runId: string | null, rows: number): Promise<void> {
  await eventually(
    async () => {
      const [move] = (await world.rehome.status(runId ?? '')).moves
      expect(Number(move?.rows_copied)).toBeGreaterThan(rows)
    },
    { withinMs: 30_000 },
  )
}

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
      const { runId } = await world.rehome.enqueue(world.plan())
      await copying(world, runId, 500)
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
    const { runId } = await world.rehome.enqueue(world.plan())
    await copying(world, runId, 500)
    await server.down('immediate')
    await eventually(async () => expect(await tryWrite(world, 'source', 'acme')).toBe('accepted'))
    await server.up()
    await expectMoved(world, runId)
    await expectHome(world, 'acme', 'target')
  })
})

const redis = queueBackends[0]
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
    const { runId } = await world.rehome.enqueue(world.plan())
    await copying(world, runId, 20)
    if (how === 'flushed') await flush(server.url)
    else await server.restart('immediate')
    await expectMoved(world, runId)
    for (const tenant of tenants) await expectHome(world, tenant, 'target')
  })
})

describe('a statement of ours', () => {
  test('that somebody cancels is repeated by the next attempt', { timeout }, async () => {
    await using world = await createWorld({ plan: slowly })
    await world.addTenant('acme', 2000)
    await using _worker = await world.work()
    const { runId } = await world.rehome.enqueue(world.plan())
    await copying(world, runId, 300)
    const cancel = `select pg_cancel_backend(pid) from pg_stat_activity
      where datname = current_database() and application_name like 'rehome tenant %'`
    await eventually(async () => {
      expect((await world.target.pool.query(cancel)).rowCount).toBeGreaterThan(0)
    })
    await expectMoved(world, runId)
    await expectHome(world, 'acme', 'target')
  })

  test('that finds the disk full leaves the tenant where it was', { timeout }, async () => {
    await using server = await startPostgres({ name: 'target' })
    const plan = { ...slowly, chunkRows: 500, attempts: 1 }
    await using world = await createWorld({ targetOn: server, plan })
    await world.addTenant('acme', 3000)
    await using _worker = await world.work()
    const map = await freeSpaceMapOf(world, server, 'notes')
    await symlink('/dev/full', map)
    const { runId } = await world.rehome.enqueue(world.plan())
    const failed = (await ended(world, runId)).get('acme')
    expect(failed).toMatchObject({ phase: 'failed', error_code: 'DATABASE_ERROR' })
    expect(failed?.error_message).toContain('No space left on device')
    expect(await tryWrite(world, 'source', 'acme')).toBe('accepted')
    expect(await flagsAt(world, 'target')).toEqual([['acme', 'receiving']])
    await rm(map)
    await server.restart('fast')
    await world.rehome.retry(runId ?? '')
    await expectMoved(world, runId)
    await expectHome(world, 'acme', 'target')
  })
})

/** A file that every table writes to while it grows, and that can be on a device of its own. */
async function freeSpaceMapOf(
  world: World,
  server: PostgresServer,
  relation: string,
): Promise<string> {
  const query = 'select pg_relation_filepath($1) as path'
  const { path } = (await world.target.pool.query(query, [relation])).rows[0]
  return join(server.directory, 'data', `${path}_fsm`)
}

async function flush(url: string): Promise<void> {
  const client = new Redis(url)
  await client.flushall()
  client.disconnect()
}
