// A tenant that has written at its new home goes back with all of it, while it goes on writing.
import { expect, test } from 'vitest'
import { describeOnOneBackend } from '../helpers/backends.ts'
import { eventually } from '../helpers/eventually.ts'
import { expectHome, flagsAt, moveOf, rowsAt, runAll } from '../helpers/runs.ts'
import { back, ownIds, onlinePlan as plan, writeThere } from '../helpers/way-back.ts'
import { createWorld, type World } from '../helpers/world.ts'

const timeout = 60_000

const kinds = [
  `update notes set body = body || '!' where tenant_id = $`,
  `delete from notes where id = (select min(id) from notes where tenant_id = $)`,
  `insert into notes (tenant_id, body) values ($, 'at home'), ($, 'and again')`,
  `insert into note_lines select max(id), 1, 'new' from notes where tenant_id = $`,
  `delete from visits where tenant_id = $ and hits < 3`,
]

async function newId(world: World, tenant: string): Promise<number> {
  const insert = `insert into notes (tenant_id) values ($1) returning id::int`
  return (await world.source.pool.query(insert, [tenant])).rows[0].id
}

describeOnOneBackend('after an online move', (backend) => {
  test('a rollback brings back what was written at the new home', { timeout }, async () => {
    await using world = await createWorld({ backend, plan, target: ownIds })
    await world.addTenant('acme', 40)
    await world.addTenant('other', 3)
    const worker = await world.work()
    const run = await runAll(world, ['acme'])
    expect(await flagsAt(world, 'target')).toEqual([['acme', 'capturing']])
    await writeThere(world, 'acme', kinds)
    const home = await rowsAt(world, 'target', 'acme')
    const other = await rowsAt(world, 'source', 'other')
    expect(await back(world, run, 'acme')).toBe('rolled_back')
    expect(await rowsAt(world, 'source', 'acme')).toEqual(home)
    expect(await rowsAt(world, 'source', 'other')).toEqual(other)
    await expectHome(world, 'acme', 'source')
    expect(await flagsAt(world, 'source')).toEqual([])
    // The source does not go on where the target has come to.
    expect(await newId(world, 'other')).toBeLessThan(1000)
    await worker.close()
  })
})

test('rolling forward and back again goes on as often as one likes', { timeout }, async () => {
  await using world = await createWorld({ plan, target: ownIds })
  await world.addTenant('acme', 12)
  await using _ = await world.work()
  for (let i = 0; i < 3; i += 1) {
    const run = await runAll(world, ['acme'])
    await expectHome(world, 'acme', 'target')
    await writeThere(world, 'acme', kinds)
    const home = await rowsAt(world, 'target', 'acme')
    expect(await back(world, run, 'acme')).toBe('rolled_back')
    expect(await rowsAt(world, 'source', 'acme')).toEqual(home)
    await expectHome(world, 'acme', 'source')
  }
})

async function settled(world: World, run: string, tenant: string): Promise<string> {
  for await (const { done } of world.rehome.watch(run, { everyMs: 60 })) if (done) break
  const { phase, error_code: code } = await moveOf(world, run, tenant)
  return code ? `${phase} ${code}` : phase
}

test('the window ends by its time or by word, and only then the old copy may go', {
  timeout,
}, async () => {
  await using world = await createWorld({ plan: { ...plan, rollback: { windowMs: 600_000 } } })
  for (const tenant of ['acme', 'beta']) await world.addTenant(tenant, 4)
  await using _ = await world.work()
  const run = await runAll(world)
  const tenants = ['acme']
  await expect(world.rehome.cleanup(run, { tenants })).rejects.toThrow(/rehome finalize/)
  await writeThere(world, 'acme', kinds)
  const log = `select count(*)::int as n from rehome_log.${await logOf(world, 'notes')}`
  expect((await world.target.pool.query(log)).rows[0].n).toBeGreaterThan(2)
  await world.rehome.finalize(run, { tenants })
  expect(await settled(world, run, 'acme')).toBe('moved')
  expect(await flagsAt(world, 'target')).toEqual([['beta', 'capturing']])
  expect((await world.target.pool.query(log)).rows[0].n).toBe(0)
  // Now it is as it always was: a rollback has to give up what the tenant wrote.
  await world.rehome.rollback(run, { tenants })
  expect(await settled(world, run, 'acme')).toBe('moved WRITES_WOULD_BE_LOST')
  await expect(world.rehome.finalize(run, { tenants })).rejects.toThrow(/window/)
  await world.rehome.cleanup(run, { tenants })
  expect(await settled(world, run, 'acme')).toBe('cleaned')
  // The other's window lapses: the reaper ends it.
  await world.target.pool.query(`update rehome.tenant_flags
    set expires_at = clock_timestamp(), capture_until = clock_timestamp()`)
  await writeThere(world, 'beta', kinds)
  await eventually(async () => expect(await flagsAt(world, 'target')).toEqual([]))
})

async function logOf(world: World, name: string): Promise<string> {
  const query = `select relname from pg_class where relnamespace = 'rehome_log'::regnamespace
    and obj_description(oid) like '%.' || $1`
  return (await world.target.pool.query(query, [name])).rows[0].relname
}

test('an offline move may have a window, too', { timeout }, async () => {
  const changes = { ...plan, strategy: 'offline', rollback: { windowMs: 60_000 } } as const
  await using world = await createWorld({ plan: changes })
  await world.addTenant('acme', 4)
  await using _ = await world.work()
  const run = await runAll(world)
  await writeThere(world, 'acme', kinds)
  const home = await rowsAt(world, 'target', 'acme')
  expect(await back(world, run, 'acme')).toBe('rolled_back')
  expect(await rowsAt(world, 'source', 'acme')).toEqual(home)
  // Both ends have given numbers from one range: the source has to pass those that came back.
  expect(await newId(world, 'acme')).toBe(7)
})

test('writes are given up where that is asked for', { timeout }, async () => {
  await using world = await createWorld({ plan })
  await world.addTenant('acme', 4)
  await using _ = await world.work()
  const before = await rowsAt(world, 'source', 'acme')
  const run = await runAll(world)
  await writeThere(world, 'acme', kinds)
  await world.rehome.rollback(run, { tenants: ['acme'], discardWrites: true })
  expect(await settled(world, run, 'acme')).toBe('rolled_back')
  expect(await rowsAt(world, 'source', 'acme')).toEqual(before)
  await expectHome(world, 'acme', 'source')
})

test('audits say whether the way back is open, and change nothing', { timeout }, async () => {
  const rollback = { windowMs: 600_000, auditEveryMs: 1_000 }
  await using world = await createWorld({ plan: { ...plan, rollback } })
  await world.addTenant('acme', 4)
  await using _ = await world.work()
  const old = await rowsAt(world, 'source', 'acme')
  const run = await runAll(world)
  await writeThere(world, 'acme', kinds)
  const home = await rowsAt(world, 'target', 'acme')
  const audited = (at: Record<string, unknown>) =>
    eventually(
      async () => {
        const move = await moveOf(world, run, 'acme')
        expect([move.open, move.error_code, move.evidence.audit]).toMatchObject([
          false,
          at.code,
          at.audit,
        ])
      },
      { withinMs: 30_000 },
    )
  await audited({ code: null, audit: { changes: 11 } })
  expect(await rowsAt(world, 'source', 'acme')).toEqual(old)
  expect(await rowsAt(world, 'target', 'acme')).toEqual(home)
  // Somebody has touched the old copy, past the fence: the way back would lead to something else.
  await world.source.pool.query(`begin; alter table only visits disable trigger rehome_update;
    update visits set hits = hits + 1 where tenant_id = 'acme' and hits = 9;
    alter table only visits enable always trigger rehome_update; commit`)
  await audited({ code: 'ROWS_DIFFER', audit: expect.anything() })
})
