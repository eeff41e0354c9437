// What a tenant whose changes are logged writes directly to a partition that was made later is
// logged, though the partition has no guards of its own yet: neither a move nor a rollback leaves
// such a row behind.
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { expect, test } from 'vitest'
import type { RemoteCall } from '../../src/calls.ts'
import { logTableOf } from '../../src/ends/postgres/changes/change-log.ts'
import { createFenced, type Fenced } from '../helpers/fence/fenced.ts'
import { bounds, dayOf, ways, writes } from '../helpers/fence/new-partitions.ts'
import { fencePlan } from '../helpers/fence/schema.ts'
import { codeOf } from '../helpers/fence/writer.ts'
import { partOf } from '../helpers/rotation.ts'
import { ended, rowsAt, tryWrite } from '../helpers/runs.ts'
import { createWorld, installPlans } from '../helpers/world.ts'

const online = { ...fencePlan, strategy: 'online' } as const
const shape = { columns: [], whole: false }
const log = logTableOf({ scope: 'default', schema: 'public', table: 'visits', log: shape })

/** Days of the keys that were logged since the last look. */
async function loggedDays({ pool }: Fenced): Promise<string[]> {
  const query = `with gone as (delete from ${log} returning rehome_tenant, tenant_id, day)
    select distinct right(day::text, 2) as day from gone
    where rehome_tenant = 'acme' and tenant_id = 'acme' order by 1`
  return (await pool.query(query)).rows.map(({ day }) => day)
}

const logged: Readonly<Record<string, readonly string[]>> = {
  insert: ['01'],
  several: ['03'],
  update: ['01', '03', '27'],
  'change of the tenant': ['27'],
  delete: ['01', '03'],
}

test.each(partOf(Object.entries(ways), 2))(
  'what is written directly to a partition that is %s is logged',
  async (way, sql) => {
    await using db = await createFenced({ plan: online })
    await db.pool.query(`${sql}; delete from visits_2027`)
    await db.pool.query(`insert into visits_2027 (tenant_id, day, hits)
      values ('acme', '${dayOf(way)}27', 1), ('beta', '${dayOf(way)}26', 1)`)
    await db.pool.query(`insert into rehome.tenant_flags
        (scope, tenant_id, mode, token, epoch, move_id, reason, retry_after_s, expires_at)
      select 'default', 'acme', 'capturing', id, id, id, 'test', 1, now() + interval '1 h'
      from gen_random_uuid() id`)
    for (const [name, write] of Object.entries(writes(way, 'acme'))) {
      expect([name, await codeOf(db.pool.query(write))]).toEqual([name, 'accepted'])
      expect([name, await loggedDays(db)]).toEqual([name, logged[name]])
    }
    const { insert = '', update = '', delete: remove = '' } = writes(way, 'gamma')
    for (const write of [insert, update, remove]) await db.pool.query(write)
    expect((await db.pool.query(`select from ${log} where rehome_tenant <> 'acme'`)).rowCount).toBe(
      0,
    )
  },
)

const made = `create table visits_2027 partition of visits ${bounds}`
const written = `insert into visits_2027 values ('acme', '2027-02-01', 1)`
const row = 'visits (acme,2027-02-01,1)'

test('a row written directly to a partition made during an online move ends that move, and moves with the next', async () => {
  const plan = { strategy: 'online', attempts: 1 } as const
  await using world = await createWorld({ plan, target: made })
  await world.addTenant('acme')
  let said: Promise<string> | null = null
  const hear = (message: unknown) => {
    const { moment, phase, to } = message as RemoteCall
    if (said || moment !== 'before' || phase !== 'catch_up' || !to.startsWith('source')) return
    said = codeOf(world.source.pool.query(`${made}; ${written}`))
  }
  subscribe('rehome:call', hear)
  await using _worker = await world.work()
  const { runId } = await world.rehome.enqueue(world.plan(), { tenants: ['acme'] })
  expect((await ended(world, runId)).get('acme')).toMatchObject({ phase: 'failed' })
  unsubscribe('rehome:call', hear)
  expect(await said).toBe('accepted')
  expect(await tryWrite(world, 'source', 'acme')).toBe('accepted')
  await installPlans(world, [world.plan()])
  await world.rehome.retry(runId ?? '')
  expect((await ended(world, runId)).get('acme')).toMatchObject({ phase: 'moved' })
  expect(await rowsAt(world, 'target', 'acme')).toContain(row)
})

test('a row written directly to a partition made at the new home comes back with the tenant', async () => {
  await using world = await createWorld({ plan: { strategy: 'online', attempts: 1 } })
  await world.addTenant('acme')
  await using _worker = await world.work()
  const { runId } = await world.rehome.enqueue(world.plan(), { tenants: ['acme'] })
  expect((await ended(world, runId)).get('acme')).toMatchObject({ phase: 'moved' })
  for (const end of [world.source, world.target]) await end.pool.query(made)
  await world.target.pool.query(written)
  await installPlans(world, [world.plan()])
  await world.rehome.rollback(runId ?? '', { tenants: ['acme'] })
  const move = (await ended(world, runId)).get('acme')
  expect(move).toMatchObject({ phase: 'rolled_back', error_code: null })
  expect(await rowsAt(world, 'source', 'acme')).toContain(row)
})
