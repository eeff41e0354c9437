// The demonstration's application, and the check that tells whether a write of its went missing. No
// tenant moves here; where one has to, its flag is set by hand.
import { randomUUID } from 'node:crypto'
import type { Pool } from 'pg'
import { describe, expect, test } from 'vitest'
import { homeChanges, Ledger } from '../../demo/application/ledger.ts'
import type { Traffic } from '../../demo/application/traffic.ts'
import { checkLedger, type LedgerCheck } from '../../demo/check-ledger.ts'
import { hostileTenant } from '../../demo/data/tenant-names.ts'
import { eventually } from '../helpers/eventually.ts'
import { bringTenant, raiseFences, setFlag, smallWorld, texts } from './small-world.ts'

describe('the application', () => {
  test('loses no write without a move', async () => {
    await using world = await smallWorld()
    await using traffic = await world.traffic()
    await accepted(traffic, 150)
    const report = await traffic.stop()
    expect(report).toMatchObject({ refused: 0, turnedAway: 0, unknown: 0, errors: {}, pauses: [] })
    expect(report.begun).toBe(report.accepted)
    expect(Object.values(report.kinds).every((count) => count > 0)).toBe(true)
    const check = await checkLedger(traffic.ledger, world)
    expect(faultsOf(check)).toEqual(nothing)
    expect(check.acknowledged).toBe(report.accepted)
    expect([...check.homeChanges.values()].every((changes) => changes === 0)).toBe(true)
  })

  test('waits at a fence, measures the pause and goes on', async () => {
    await using world = await smallWorld()
    await raiseFences(world.source.pool)
    await setFlag(world.source.pool, { tenant: hostileTenant, mode: 'read_only' })
    await using traffic = await world.traffic()
    await eventually(() => expect(traffic.report().paused[0]?.refusals).toBeGreaterThan(3))
    const [paused] = traffic.report().paused
    await world.source.pool.query('delete from rehome.tenant_flags')
    await eventually(() => expect(traffic.report().pauses).toHaveLength(1))
    const report = await traffic.stop()
    expect(report.pauses[0]).toMatchObject({ tenant: hostileTenant })
    expect(report.pauses[0]?.ms).toBeGreaterThan(paused?.ms ?? Number.NaN)
    expect(report.paused).toEqual([])
    expect(report.begun).toBe(report.accepted + report.turnedAway)
    expect(faultsOf(await checkLedger(traffic.ledger, world))).toEqual(nothing)
  })

  test('with hold lets writes wait that a fence refuses, and refuses none', async () => {
    await using world = await smallWorld()
    await raiseFences(world.source.pool)
    await setFlag(world.source.pool, { tenant: hostileTenant, mode: 'read_only' })
    await using traffic = await world.traffic(undefined, { hold: '1m' })
    await eventually(() => expect(traffic.report().refused).toBeGreaterThan(0))
    const fencedMs = performance.now()
    await world.source.pool.query('select pg_sleep(0.2)')
    // By now every writer may have come to this tenant: only when it opens does one write again.
    await world.source.pool.query('delete from rehome.tenant_flags')
    const waitedMs = performance.now() - fencedMs
    await accepted(traffic, 30)
    await eventually(() => expect(traffic.report().held).toBeGreaterThan(0))
    const report = await traffic.stop()
    expect(report).toMatchObject({ turnedAway: 0, errors: {}, unknown: 0 })
    expect(report.begun).toBe(report.accepted)
    expect(report.longestWaitMs).toBeGreaterThan(waitedMs)
    expect(faultsOf(await checkLedger(traffic.ledger, world))).toEqual(nothing)
  })

  test('with hold turns away who has waited too long', async () => {
    await using world = await smallWorld()
    await raiseFences(world.source.pool)
    await setFlag(world.source.pool, { tenant: hostileTenant, mode: 'read_only' })
    await using traffic = await world.traffic([hostileTenant], { hold: '50ms' })
    await eventually(() => expect(traffic.report().turnedAway).toBeGreaterThan(3))
    const report = await traffic.stop()
    expect(report).toMatchObject({ accepted: 0, held: 0, errors: {} })
    expect(report.begun).toBe(report.turnedAway)
  })

  test('follows a tenant to its new home, and misses there what did not come along', async () => {
    await using world = await smallWorld()
    await raiseFences(world.source.pool)
    const tenant = 'acme'
    await bringTenant(world, tenant)
    await using traffic = await world.traffic([tenant])
    await accepted(traffic, 30)
    await setFlag(world.source.pool, { tenant, mode: 'moved' })
    await eventually(() => expect(traffic.report().ends.target).toBeGreaterThan(30))
    const report = await traffic.stop()
    expect(report.redirected).toBeGreaterThan(0)
    // What did not come along is missing, and a comment on it breaks a foreign key.
    const failed = Object.values(report.errors).reduce((sum, times) => sum + times, 0)
    const others = failed + report.unknown + report.turnedAway
    expect([others, report.errors]).toEqual([report.begun - report.accepted, report.errors])
    const check = await checkLedger(traffic.ledger, world)
    expect(check.homes.get(tenant)).toBe('target')
    expect(check.homeChanges.get(tenant)).toBe(1)
    expect(check).toMatchObject({ duplicated: [], resurrected: [], strays: [] })
    const atSource = traffic.ledger.writes().filter((write) => write.end === 'source')
    const lost = new Set(check.lost.map((row) => row.id))
    expect(lost.size).toBeGreaterThan(0)
    expect(atSource.map((write) => write.id)).toEqual(expect.arrayContaining([...lost]))
  })

  test('concludes nothing from a commit that was not answered', async () => {
    await using world = await smallWorld()
    await world.source.pool.query(`
      create function hang_up() returns trigger language plpgsql as
        $$ begin perform pg_terminate_backend(pg_backend_pid()); return null; end $$;
      create constraint trigger hang_up after insert on comments deferrable initially deferred
        for each row execute function hang_up()`)
    await using traffic = await world.traffic()
    await eventually(() => expect(traffic.report().unknown).toBeGreaterThan(3))
    const report = await traffic.stop()
    expect(report.kinds.comment).toBe(0)
    expect(report.begun).toBe(report.accepted + report.unknown)
    const check = await checkLedger(traffic.ledger, world)
    expect(check.unknown).toBe(report.unknown)
    expect(faultsOf(check)).toEqual(nothing)
  })

  test('counts what it cannot do, and stops, when the database is gone', async () => {
    await using world = await smallWorld()
    await using traffic = await world.traffic()
    await accepted(traffic, 10)
    await world.source.drop()
    await eventually(() => expect(traffic.report().errors['3D000']).toBeGreaterThan(0))
    const report = await traffic.stop()
    const failed = Object.values(report.errors).reduce((sum, count) => sum + count, 0)
    expect(report.begun).toBe(report.accepted + report.unknown + failed)
  })
})

describe('the check of the ledger', () => {
  test('reports what changed behind the back of the application', async () => {
    await using world = await smallWorld()
    await using traffic = await world.traffic()
    await accepted(traffic, 150)
    await traffic.stop()
    const { pool } = world.source
    const [lost] = await texts(pool, remove('comments'))
    const [torn] = await texts(pool, remove('checklist_items'))
    const [twice] = await texts(pool, repeat('activity'))
    const stray = await addComment(pool, { tenant: 'acme', id: randomUUID() })
    const erased = traffic.ledger.writes().find((write) => write.erases?.kind === 'comment')?.erases
    const back = await addComment(pool, { tenant: String(erased?.tenant), id: String(erased?.id) })
    const edited = await texts(
      pool,
      `update tasks set edits = edits + 1 where id =
        (select id from tasks where edits > 0 limit 1) returning id`,
    )
    const check = await checkLedger(traffic.ledger, world)
    expect(check.lost.map((row) => [row.table, row.id])).toEqual(
      expect.arrayContaining([
        ['comments', lost],
        ['checklist_items', torn],
      ]),
    )
    expect(check.lost).toHaveLength(2)
    expect(check.duplicated).toMatchObject([{ table: 'activity', id: twice, home: 'source' }])
    expect(check.resurrected.map((row) => row.id)).toEqual([back])
    expect(check.strays.map((row) => row.id)).toEqual([stray])
    expect(check.miscounted.map((count) => count.task)).toEqual(edited)
  })

  test('proves two homes by writes that were accepted at the one, the other, and the one', () => {
    const ledger = new Ledger()
    const at = (end: 'source' | 'target', startedMs: number) => {
      const write = ledger.begin({ ...anyWrite, tenant: 'acme' })
      ledger.acknowledge(write, { end, startedMs })
      write.endedMs = startedMs + 10
    }
    for (const [end, startedMs] of [
      ['source', 0],
      ['target', 5],
      ['source', 8],
    ] as const) {
      at(end, startedMs)
    }
    expect(homeChanges(ledger).get('acme')).toBe(0)
    for (const [end, startedMs] of [
      ['target', 20],
      ['source', 40],
      ['source', 60],
    ] as const) {
      at(end, startedMs)
    }
    expect(homeChanges(ledger).get('acme')).toBe(2)
  })
})

const anyWrite = { kind: 'comment', isolation: 'read committed', task: '1', erases: null } as const

const remove = (table: string) => `delete from ${table} where id =
  (select id from ${table} where request_id is not null limit 1) returning request_id`

const repeat = (table: string) => `insert into ${table} (tenant_id, verb, request_id)
  select tenant_id, verb, request_id from ${table} where request_id is not null limit 1
  returning request_id`

async function addComment(pool: Pool, row: { tenant: string; id: string }): Promise<string> {
  const insert = `insert into comments (tenant_id, task_id, body, request_id)
    select tenant_id, id, 'Who was that?', $2 from tasks where tenant_id = $1 limit 1`
  await pool.query(insert, [row.tenant, row.id])
  return row.id
}

/** Everything that a check can find; `nothing` is the expected result. */
function faultsOf({ lost, duplicated, resurrected, strays, miscounted }: LedgerCheck) {
  return { lost, duplicated, resurrected, strays, miscounted }
}
const nothing = { lost: [], duplicated: [], resurrected: [], strays: [], miscounted: [] }

async function accepted(traffic: Traffic, writes: number): Promise<void> {
  await eventually(() => expect(traffic.report().accepted).toBeGreaterThan(writes), {
    withinMs: 30_000,
  })
}
