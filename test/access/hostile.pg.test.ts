// Ids and jobs that somebody made to do harm, through every door: each is refused or handled, and
// never reaches another tenant.
import { randomUUID } from 'node:crypto'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { tenantPath } from '../../src/dashboard/tenant-path.ts'
import { removeFlag } from '../../src/ends/postgres/fence/tenant-flags.ts'
import { tenantPredicate } from '../../src/ends/postgres/tenant-of-rows.ts'
import { ask, openBoard } from '../dashboard/board-world.ts'
import { describeOnOneBackend } from '../helpers/backends.ts'
import { raiseFence } from '../helpers/fenced.ts'
import { ended, flagsAt } from '../helpers/runs.ts'
import { createWorld, type World } from '../helpers/world.ts'
import { hostileIds, nearMisses } from './tenants.ts'

type End = 'source' | 'target'

/** One small tenant for each id, in few statements. */
async function addTenants(world: World, ids: readonly string[]): Promise<void> {
  const { pool } = world.source
  await pool.query('insert into tenants (id, name) select id, $2 from unnest($1::text[]) id', [
    ids,
    'somebody',
  ])
  await pool.query(
    `with n as (insert into notes (tenant_id, body) select id, 'of ' || id from unnest($1::text[]) id
       returning id)
     insert into note_lines select id, 1, 'line' from n`,
    [ids],
  )
  await pool.query(`insert into visits select id, '2026-01-01', 1 from unnest($1::text[]) id`, [
    ids,
  ])
}

/** Tenant → digest of all of its rows at one end. */
async function digests(world: World, end: End): Promise<Map<string, string>> {
  const query = `
    select tenant, md5(string_agg(row, ',' order by row)) as digest from (
      select id as tenant, t::text as row from tenants t
      union all select tenant_id, n::text from notes n
      union all select tenant_id, l::text from note_lines l join notes n on n.id = l.note_id
      union all select tenant_id, v::text from visits v) r group by tenant`
  const { rows } = await world[end].pool.query(query)
  return new Map(rows.map((row: { tenant: string; digest: string }) => [row.tenant, row.digest]))
}

function only(all: ReadonlyMap<string, string>, ids: readonly string[]): Map<string, string> {
  return new Map([...all].filter(([id]) => ids.includes(id)))
}

async function fenced(world: World, end: End): Promise<string[]> {
  return (await flagsAt(world, end)).map(([tenant]) => tenant ?? '').sort()
}

describeOnOneBackend('tenants with hostile ids', (backend) => {
  test("move, come back and are cleaned up, and no other tenant's rows change", async () => {
    const plan = { concurrency: 8, attempts: 3, backoffMs: 20 }
    await using world = await createWorld({ backend, plan })
    const near = nearMisses(hostileIds)
    await addTenants(world, [...hostileIds, ...near])
    const before = await digests(world, 'source')
    const sorted = [...hostileIds].sort()
    const unharmed = async () =>
      expect(only(await digests(world, 'source'), near)).toEqual(only(before, near))
    await using _worker = await world.work()

    const { runId } = await world.rehome.enqueue(world.plan(), { tenants: hostileIds })
    const moved = [...(await ended(world, runId)).values()]
    expect(moved.map(({ error_message }) => error_message).filter(Boolean)).toEqual([])
    expect(await digests(world, 'target')).toEqual(only(before, hostileIds))
    expect(await fenced(world, 'source')).toEqual(sorted)
    expect(await fenced(world, 'target')).toEqual([])
    await unharmed()
    await pagesOf(world, runId ?? '')

    const [half, rest] = [hostileIds.slice(0, 6), hostileIds.slice(6)]
    await world.rehome.rollback(runId ?? '', { tenants: half })
    await ended(world, runId)
    expect(await fenced(world, 'source')).toEqual([...rest].sort())
    expect(await fenced(world, 'target')).toEqual([...half].sort())
    await unharmed()

    await world.rehome.cleanup(runId ?? '', { tenants: hostileIds })
    const cleaned = [...(await ended(world, runId)).values()]
    expect(new Set(cleaned.map(({ phase }) => phase))).toEqual(new Set(['cleaned']))
    expect(await digests(world, 'source')).toEqual(only(before, [...half, ...near]))
    expect(await digests(world, 'target')).toEqual(only(before, rest))
  })
})

/** Each has a page, and none of its text is markup there. */
async function pagesOf(world: World, runId: string): Promise<void> {
  await using board = await openBoard(world)
  for (const id of hostileIds) {
    const page = await ask(board, tenantPath(runId, id))
    expect(page.status, id).toBe(200)
    expect(page.text).not.toContain('<script>alert')
    const json = await ask(board, `${tenantPath(runId, id)}.json`)
    expect(json.json).toMatchObject({ move: { tenant_id: id } })
  }
}

test('a generated id selects its own rows and fences no other tenant', async () => {
  await using world = await createWorld()
  const { pool } = world.source
  const write = `insert into visits values ($1, '2026-06-01', 1)
    on conflict (tenant_id, day) do update set hits = visits.hits + 1`
  const text = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 })
  const id = text.filter((t) => !t.includes('\0') && !/\p{Surrogate}/u.test(t))
  const near = (a: string) =>
    fc.constantFrom(`${a} `, ` ${a}`, `${a}'`, `\\${a}`, a.toUpperCase(), a.normalize('NFD'))
  const pair = id.chain((a) => fc.tuple(fc.constant(a), near(a))).filter(([a, b]) => a !== b)
  const property = fc.asyncProperty(pair, async ([tenant, other]) => {
    await pool.query('truncate visits')
    for (const each of [tenant, other]) await pool.query(write, [each])
    const where = tenantPredicate(
      { kind: 'column', column: 'tenant_id' },
      { schema: 'public', alias: 'r', tenant },
    )
    const { rows } = await pool.query(`select tenant_id from visits r where ${where}`)
    expect(rows).toEqual([{ tenant_id: tenant }])
    const raise = fence(tenant)
    expect(await raiseFence(pool, raise)).toBe(true)
    await expect(pool.query(write, [tenant])).rejects.toMatchObject({ code: '25006' })
    await pool.query(write, [other])
    expect(await removeFlag(pool, raise, 'read_only')).toBe(true)
  })
  await fc.assert(property, { numRuns: 60, interruptAfterTimeLimit: 5_000 })
})

const fence = (tenant: string) => ({
  ...{ scope: 'default', tenant, token: randomUUID(), epoch: randomUUID(), moveId: randomUUID() },
  ...{ reason: 'test', retryAfterS: 1, leaseMs: 600_000 },
})

test('an invalid id is refused in one clear line on every path, and nothing is stored', async () => {
  await using world = await createWorld()
  // Half a character arrives at a database as this one.
  await addTenants(world, ['\ufffd', 'x'])
  const { rehome } = world
  const wrong: [string, string][] = [
    ['', 'a tenant id is empty'],
    ['*', 'stands for the whole application'],
    ['a\0b', 'has a NUL character'],
    ['\ud800', 'is not well-formed'],
    ['\udc00x', 'is not well-formed'],
    ['x'.repeat(1025), 'has 1025 bytes, and 1024 is the most'],
    ['é'.repeat(513), 'has 1026 bytes'],
  ]
  for (const [tenant, message] of wrong) {
    const refused = { code: 'TENANT_ID_INVALID', message: expect.stringContaining(message) }
    const asked = rehome.enqueue(world.plan(), { tenants: [tenant] })
    await expect(asked).rejects.toMatchObject(refused)
    const listed = rehome.enqueue(world.plan({ tenants: ['x', tenant] }))
    await expect(listed).rejects.toMatchObject(refused)
  }
  const near = ['X', ' x', 'x ', 'x\n', '%', '_', '.', "x' or 'x' = 'x"]
  for (const tenant of near) {
    const asked = rehome.enqueue(world.plan(), { tenants: [tenant] })
    await expect(asked).rejects.toMatchObject({ code: 'TENANT_UNKNOWN' })
  }
  expect(await rehome.runs()).toEqual([])
  const { runId } = await rehome.enqueue(world.plan())
  const run = runId ?? ''
  for (const tenant of [...wrong.map(([id]) => id), ...near]) {
    const code = expect.stringMatching(/^(TENANT_UNKNOWN|TENANT_ID_INVALID)$/)
    const doors = [
      () => rehome.show(run, tenant),
      () => rehome.retry(run, { tenants: [tenant] }),
      () => rehome.rollback(run, { tenants: [tenant] }),
      () => rehome.cleanup(run, { tenants: [tenant] }),
    ]
    for (const door of doors) await expect(door(), tenant).rejects.toMatchObject({ code })
  }
  for (const id of ['', '%', `${run}\0`, `${run} `, "' or 1=1 --", '../..', '\ud800']) {
    await expect(rehome.show(id, 'x'), id).rejects.toMatchObject({ code: 'RUN_UNKNOWN' })
  }
})

test('addresses that name no tenant are answered as such, and never with a fault', async () => {
  await using world = await createWorld()
  await addTenants(world, ['x'])
  const { runId } = await world.rehome.enqueue(world.plan())
  await using board = await openBoard(world)
  const own = `/tenants/${runId}`
  const paths = [
    ...[
      '%00',
      '%ED%A0%80',
      '%C0%AF',
      '%',
      '%zz',
      '%ud800',
      'X',
      '__proto__',
      `${'x'.repeat(2000)}`,
    ],
    ...['..%2F..%2Fetc%2Fpasswd', '%27%3B%20drop%20table%20notes', '%3Cscript%3E', '..', '%2e%2e'],
  ].map((tenant) => `${own}/${tenant}`)
  const runs = ['%00', '__proto__', '%25', "'%20or%201=1", `${runId}%00`].map(
    (r) => `/tenants/${r}/x`,
  )
  for (const path of [...paths, ...runs, own, `${own}/`, `${own}/x/y`, '/tenants//x']) {
    for (const each of [path, `${path}.json`]) {
      const { status, text } = await ask(board, each)
      expect([400, 404], `${each}: ${text}`).toContain(status)
      expect(text).not.toMatch(/<script>alert|\n\s+at /)
      expect((await ask(board, each, { method: 'POST' })).status).toBeLessThan(500)
    }
  }
  expect((await ask(board, `${own}/x`)).status).toBe(200)
})
