// Every tenant of a plan is looked at before any moves; and what a dry run says of the schedule.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { sql } from '../../src/plan/sql-text.ts'
import { createWorld, type World } from '../helpers/world.ts'

let world: World
beforeAll(async () => {
  world = await createWorld({ plan: { tenants: sql`select id from tenants` } })
  for (const [tenant, notes] of [
    ['a', 1],
    ['b', 2],
    ['c', 30],
    ['d', 2],
  ] as const) {
    await world.addTenant(tenant, notes)
  }
})
afterAll(() => world[Symbol.asyncDispose]())

const look = async (changes = {}, options = {}) =>
  await world.rehome.checkTenants(world.plan(changes), options)

/** A move of the plan that has ended, with so many rows. */
async function settled(tenant: string, rows: number, ms: number, pauseMs: number): Promise<void> {
  const { runId } = await world.rehome.enqueue(world.plan(), { tenants: [tenant] })
  const evidence = { movePhaseMs: { copy: ms, hold: 9_999_999 } }
  await world.control.pool.query(
    `update rehome_control.moves set phase = 'moved', open = false, rows_copied = $2,
      pause_ms = $3, evidence = $4, settled_at = now() where run_id = $1`,
    [runId, rows, pauseMs, evidence],
  )
}

test('tenants are listed by size, and what is in the way of one is a finding about it alone', async () => {
  const found = await look()
  expect(found.tenants.map(({ tenant, rows }) => [tenant, rows])).toEqual([
    ...[
      ['c', 111],
      ['b', 27],
      ['d', 27],
      ['a', 24],
    ],
  ])
  expect(found).toMatchObject({ rows: 189, rowsMedian: 27, findings: [], samples: 0, ms: null })
  expect(found.space.neededBytes).toBeGreaterThan(1_000)
  expect(found.space.databaseBytes).toBeGreaterThan(1_000_000)

  const { target, source } = world
  await target.pool.query(`insert into tenants values ('other', 'x'), ('d', 'there before')`)
  const { rows } = await source.pool.query(`select min(id) as id from notes where tenant_id = 'b'`)
  await target.pool.query(`insert into notes (id, tenant_id) values ($1, 'other')`, [rows[0].id])
  expect((await look()).findings).toEqual([
    {
      where: 'tenant "b"',
      message: expect.stringMatching(/^ID_COLLISION: "notes" at the target already has 1 of the/),
    },
    {
      where: 'tenant "d"',
      message: 'TARGET_NOT_EMPTY: the target already has rows of this tenant ("tenants": 1)',
    },
  ])
  await target.pool.query(`delete from notes; delete from tenants`)
})

test('a tenant that the source lacks is a finding, and so is a target without room', async () => {
  const lacking = await look({ tenants: ['a', 'nowhere'] })
  expect(lacking.findings).toEqual([
    {
      where: 'plan field `tenants`',
      message: 'TENANT_UNKNOWN: the source has no row of tenant "nowhere"',
    },
  ])
  const full = await look({}, { targetFree: 1 })
  expect(full.findings).toEqual([
    {
      where: 'target',
      message: expect.stringMatching(/^the tenants need about .* 1 bytes are free/),
    },
  ])
})

test('a dry run tells the schedule, wave by wave, and a run begins in its order', async () => {
  const plan = world.plan({
    facts: (tenant) => ({ risk: tenant === 'a' ? 'high' : 'low' }),
    waves: [{ where: 'risk = low and rows < 100' }, { first: 1, soak: '1h' }, { rest: true }],
    order: { by: 'rows', descending: true },
  })
  const { schedule, tenants } = await world.rehome.enqueue(plan, { dryRun: true })
  expect(tenants).toEqual(['b', 'd', 'c', 'a'])
  const unknown = { ms: null, pauseMsMax: null }
  expect(schedule).toMatchObject([
    { number: 1, tenants: ['b', 'd'], rows: 54, unknown: 2, ...unknown },
    { number: 2, name: 'first 1', tenants: ['c'], rows: 111, gates: { soakMs: 3_600_000 } },
    { number: 3, name: 'rest', tenants: ['a'], gates: null, ...unknown },
  ])
  const queried = await world.rehome.enqueue(
    world.plan({
      waves: [
        { tenants: sql`select tenant_id from notes group by 1 having count(*) > 9` },
        { rest: true },
      ],
      order: sql`select id from tenants where id <> 'a' order by id desc`,
    }),
    { dryRun: true },
  )
  expect(queried.schedule?.map((wave) => [wave.name, wave.tenants])).toEqual([
    ['queried', ['c']],
    ['rest', ['d', 'b', 'a']],
  ])
  const limited = { dryRun: true, limit: 1 }
  expect(
    (await world.rehome.enqueue(world.plan({ order: { by: 'rows' } }), limited)).tenants,
  ).toEqual(['a'])
  const typo = world.plan({ waves: [{ where: 'rsik = low' }, { rest: true }] })
  await expect(world.rehome.enqueue(typo, { dryRun: true })).rejects.toMatchObject({
    code: 'USAGE',
  })
  const wrong = world.plan({ order: sql`select nothing from nowhere` })
  await expect(world.rehome.enqueue(wrong, { dryRun: true })).rejects.toMatchObject({
    ...{ code: 'PLAN_INVALID', message: expect.stringContaining('query in `order`') },
  })

  const { runId } = await world.rehome.enqueue(plan)
  const jobs = await world.rehome.queues.byErrand.move.getJobs(['waiting', 'prioritized'])
  expect(jobs.map(({ data }) => data.tenantId).toSorted()).toEqual(['b', 'd'])
  await world.rehome.cancel(runId ?? '')
})

test('times are predicted from moves that have ended, and far larger tenants are not', async () => {
  await settled('a', 10, 1_000, 100)
  await settled('b', 27, 2_700, 270)
  const { tenants, samples, ms, atOnce, pauseMsMax, passedOver } = await look()
  expect(passedOver).toEqual({ moved: 2, busy: 0 })
  expect([samples, atOnce, tenants.length]).toEqual([2, 2, 2])
  expect(tenants[1]).toMatchObject({ tenant: 'd', predicted: { ms: 2_700, pauseMs: 270 } })
  expect([ms, pauseMsMax]).toEqual([11_100, 1_110])
  const tight = await look({ pause: { budgetMs: 500 } })
  expect(tight.findings).toEqual([
    {
      where: 'plan field `pause.budgetMs`',
      message: expect.stringMatching(
        /^is 500 ms, and .* of 1 tenant\(s\) is longer \("c": 1.1 s\)/,
      ),
    },
  ])
  await world.addTenant('huge', 300)
  expect(await look()).toMatchObject({ unknown: 1, ms: 11_100 })
  const dry = await world.rehome.enqueue(world.plan(), { dryRun: true })
  expect(dry.schedule).toMatchObject([{ name: 'all', unknown: 1, ms: 11_100, atOnce: 2 }])
})
