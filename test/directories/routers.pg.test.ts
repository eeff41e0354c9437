// A router that is in no database of the plan: it is called for each home until it has taken note.
import { expect, test } from 'vitest'
import { itemAt } from '../../src/known.ts'
import type { PlanInput } from '../../src/plan/plan.ts'
import { sql } from '../../src/plan/sql-text.ts'
import { openAttempts } from '../helpers/attempts.ts'
import { createRouter } from '../helpers/directories/directory.ts'
import { eventually } from '../helpers/eventually.ts'
import { ended, expectHome, moveOf } from '../helpers/runs.ts'
import { createWorld, type World } from '../helpers/world.ts'

test('a router that is away is called until it answers, and the tenant works meanwhile', async () => {
  const router = createRouter()
  await using world = await createWorld({ plan: { cutover: { onMoved: router.onMoved } } })
  await world.addTenant('acme', 3)
  router.failFor(2)
  const { runId } = await world.rehome.enqueue(world.plan())
  await using attempts = openAttempts(world)
  for (const attempt of [1, 2]) {
    expect(await attempts.try('acme')).toMatchObject({ kind: 'failed', again: true })
    const error_message =
      '`cutover.onMoved` failed, and is repeated until it does not: the router is away'
    const error_code = 'DIRECTORY_NOT_UPDATED'
    const open = { phase: 'release', open: true, attempt, error_code, error_message }
    expect((await world.rehome.status(runId ?? '')).moves).toMatchObject([open])
    await expectHome(world, 'acme', 'target')
    const diagnoses = await world.rehome.diagnose([world.plan()])
    expect(diagnoses.map(({ kind }) => kind)).toEqual(['directory-outdated'])
    await world.control.pool.query('update rehome_control.moves set not_before = now()')
  }
  expect(router.homeOf('acme')).toBeUndefined()
  await using _worker = await world.work()
  await ended(world, runId)
  expect(await moveOf(world, runId ?? '', 'acme')).toMatchObject({
    phase: 'moved',
    error_code: null,
    evidence: { directory: { onMovedMs: expect.any(Number) } },
  })
  expect(router.homeOf('acme')).toBe('target')
  expect(await world.rehome.diagnose([world.plan()])).toEqual([])
  router.failFor(1)
  await world.rehome.rollback(runId ?? '', { tenants: ['acme'], discardWrites: true })
  await ended(world, runId)
  expect(router.homeOf('acme')).toBe('source')
})

test('a rollback window began when the home opened, however late its router answers', async () => {
  const router = createRouter()
  const plan = { cutover: { onMoved: router.onMoved }, rollback: { windowMs: 3_600_000 } }
  await using world = await createWorld({ plan })
  for (const tenant of ['acme', 'other']) await world.addTenant(tenant, 3)
  const { runId } = await world.rehome.enqueue(world.plan())
  await using attempts = openAttempts(world)
  router.failFor(2)
  for (const tenant of ['acme', 'other']) {
    expect(await attempts.try(tenant)).toMatchObject({ kind: 'failed', again: true })
  }
  // The router of one was away for half of the window, that of the other for longer than it.
  await world.target.pool.query(`update rehome.tenant_flags set expires_at = expires_at - '30 min'::interval,
    capture_until = capture_until - '30 min'::interval where tenant_id = 'acme'`)
  await world.target.pool.query(`delete from rehome.tenant_flags where tenant_id = 'other'`)
  await world.control.pool.query('update rehome_control.moves set not_before = now()')
  const { rows } = await world.target.pool.query('select capture_until from rehome.tenant_flags')
  const ends = { acme: rows[0].capture_until, other: null }
  for (const [tenant, window_until] of Object.entries(ends)) {
    expect(await attempts.try(tenant)).toMatchObject({ kind: 'settled', phase: 'moved' })
    expect(await moveOf(world, runId ?? '', tenant)).toMatchObject({ window_until })
  }
})

/** Routes as PgDog's documentation of `lookup_query` has it, with `lookup_result = "shard"`. */
function createLookupRouter({ source, target }: World) {
  const query = 'select shard_id from tenants_of_shards where id = $1'
  const shards = [source.pool, target.pool]
  const cache = new Map<string, number>()
  let turn = 0
  const shardOf = async (tenant: string): Promise<number> => {
    const cached = cache.get(tenant)
    if (cached !== undefined) return cached
    // Any shard is asked: the table is the same at all of them.
    turn += 1
    const { rows } = await itemAt(shards, turn % 2).query(query, [tenant])
    if (!rows[0]) throw new Error(`no shard of ${tenant}`)
    cache.set(tenant, rows[0].shard_id)
    return rows[0].shard_id
  }
  return {
    /** `RELOAD` of the admin database. */
    reload: async () => cache.clear(),
    async write(tenant: string): Promise<string> {
      const update = `update notes set body = body || '.' where tenant_id = $1`
      const shard = itemAt(shards, await shardOf(tenant))
      return await shard.query(update, [tenant]).then(
        ({ rowCount }) => `${rowCount} rows`,
        ({ code }: { code: string }) => code,
      )
    },
  }
}

test("a table for PgDog's lookup_query changes at all shards, and the cache is emptied then", async () => {
  const both = 'create table tenants_of_shards (id text primary key, shard_id bigint not null)'
  let router: ReturnType<typeof createLookupRouter> | undefined
  let reloads = 0
  const cutover: PlanInput['cutover'] = {
    at: 'both',
    also: (tenant, home) => sql`
      update tenants_of_shards set shard_id = ${home.end === 'target' ? 1 : 0} where id = ${tenant}`,
    onMoved: async () => {
      reloads += 1
      // The reload of a process that is starting fails.
      if (reloads === 1) throw new Error('the database system is starting up')
      await router?.reload()
    },
  }
  await using world = await createWorld({ both, plan: { cutover } })
  for (const tenant of ['acme', 'other']) await world.addTenant(tenant, 2)
  const fill = "insert into tenants_of_shards select unnest(array['acme', 'other']), 0"
  for (const end of ['source', 'target'] as const) await world[end].pool.query(fill)
  router = createLookupRouter(world)
  const writes = async (tenant: string) => await router?.write(tenant)
  expect([await writes('acme'), await writes('other')]).toEqual(['2 rows', '2 rows'])
  const { runId } = await world.rehome.enqueue(world.plan(), { tenants: ['acme'] })
  await using attempts = openAttempts(world)
  await attempts.try('acme')
  // A router with the old shard in its cache is refused there, and writes nothing.
  expect(await writes('acme')).toBe('25006')
  await using _worker = await world.work()
  await ended(world, runId)
  expect([await writes('acme'), await writes('other')]).toEqual(['2 rows', '2 rows'])
  await expectHome(world, 'acme', 'target')
  await world.rehome.rollback(runId ?? '', { tenants: ['acme'], discardWrites: true })
  await ended(world, runId)
  await eventually(async () => expect(await writes('acme')).toBe('2 rows'))
  await expectHome(world, 'acme', 'source')
})
