// Statements of ours are cancelled or find the disk full while a tenant is moved: it ends well, or
// where it began. Servers that crash are in outages.all.test.ts.
import { rm, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { type PostgresServer, startPostgres } from '../../dev/postgres.ts'
import { eventually } from '../helpers/eventually.ts'
import { copying } from '../helpers/moments/reached.ts'
import { ended, expectHome, flagsAt, tryWrite } from '../helpers/runs.ts'
import { createWorld, type World } from '../helpers/world.ts'

const timeout = 240_000
const slowly = { chunkRows: 20, attempts: 9, fence: { leaseMs: 2_000, drainMs: 2_000 } }

async function expectMoved(world: World, runId: string | null): Promise<void> {
  // The control database may still be coming up.
  await eventually(async () => await world.rehome.status(runId ?? ''), { withinMs: 30_000 })
  for (const move of (await ended(world, runId)).values()) expect(move.phase).toBe('moved')
}

describe('a statement of ours', () => {
  test('that somebody cancels is repeated by the next attempt', { timeout }, async () => {
    await using world = await createWorld({ plan: slowly })
    await world.addTenant('acme', 2000)
    await using _worker = await world.work()
    const midway = copying('acme')
    const { runId } = await world.rehome.enqueue(world.plan())
    await midway
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
