// The application's directory follows a tenant in the commit of its cutover, and back.
import { expect, test } from 'vitest'
import type { PlanInput } from '../../src/plan/plan.ts'
import { sql } from '../../src/plan/sql-text.ts'
import { hearing, openAttempts } from '../helpers/attempts.ts'
import {
  also,
  createRouter,
  directory,
  filled,
  shardsAt,
  writersAt,
} from '../helpers/directories/directory.ts'
import { ended, expectHome, moveOf, rowsAt, tryWrite, writeAt } from '../helpers/runs.ts'
import { ownIds } from '../helpers/way-back.ts'
import { createWorld, type World } from '../helpers/world.ts'

const online = { strategy: 'online', pause: { budgetMs: 60_000 } } satisfies Partial<PlanInput>

async function createDirectories(plan: Partial<PlanInput>): Promise<World> {
  const world = await createWorld({ both: directory, target: ownIds, plan })
  await world.addTenant('acme', 3)
  await world.source.pool.query(filled)
  return world
}

test('a directory at both ends changes in the commits of the move and of its rollback', async () => {
  const router = createRouter()
  const cutover = { also, at: 'both', onMoved: router.onMoved } as const
  await using world = await createDirectories({ ...online, cutover })
  await using _worker = await world.work()
  const { runId } = await world.rehome.enqueue(world.plan())
  await ended(world, runId)
  const there = await writersAt(world, 'source', 'acme')
  expect(there).toMatchObject({ mode: 'moved', flag: there.directory })
  expect(await shardsAt(world, 'source')).toEqual([['acme', 1]])
  expect(await shardsAt(world, 'target')).toEqual([['acme', 1]])
  expect((await moveOf(world, runId ?? '', 'acme')).evidence).toMatchObject({
    directory: {
      also: { source: { rows: 1, inCutover: true }, target: { rows: 1, inCutover: false } },
      onMovedMs: expect.any(Number),
    },
  })
  await writeAt(world, 'target', 'acme')
  const written = await rowsAt(world, 'target', 'acme')
  await world.rehome.rollback(runId ?? '', { tenants: ['acme'] })
  await ended(world, runId)
  const back = await writersAt(world, 'target', 'acme')
  expect(back).toMatchObject({ mode: 'moved', flag: back.directory })
  expect(await shardsAt(world, 'source')).toEqual([['acme', 0]])
  expect(await shardsAt(world, 'target')).toEqual([['acme', 0]])
  expect((await moveOf(world, runId ?? '', 'acme')).evidence).toMatchObject({
    rollbackDirectory: { also: { target: { inCutover: true }, source: { inCutover: false } } },
  })
  expect(await rowsAt(world, 'source', 'acme')).toEqual(written)
  const homes = router.calls.map(({ tenant, home: { end, schema } }) => [tenant, end, schema])
  expect(homes).toEqual([
    ['acme', 'target', 'public'],
    ['acme', 'source', 'public'],
  ])
  const [first, second] = router.calls
  expect(second?.order).toBeGreaterThan(first?.order ?? 0)
})

test('a directory at the source alone follows a rollback once the tenant is back', async () => {
  await using world = await createDirectories({ cutover: { also } })
  await using _worker = await world.work()
  const { runId } = await world.rehome.enqueue(world.plan())
  await ended(world, runId)
  expect(await shardsAt(world, 'source')).toEqual([['acme', 1]])
  await world.rehome.rollback(runId ?? '', { tenants: ['acme'] })
  await ended(world, runId)
  await expectHome(world, 'acme', 'source')
  expect(await shardsAt(world, 'source')).toEqual([['acme', 0]])
  expect(await shardsAt(world, 'target')).toEqual([])
})

test('SQL that does not work fails its attempt before the tenant is fenced', async () => {
  const bad = {
    'no table': sql`update directories set shard = 1`,
    'a check': sql`update directory set shard = 7`,
    'two statements': sql`update directory set shard = 1; commit`,
  }
  for (const [what, statement] of Object.entries(bad)) {
    await using world = await createDirectories({ cutover: { also: () => statement } })
    const finding = { where: 'plan field `cutover.also`', message: expect.any(String) }
    const isSeen = what !== 'a check'
    expect([what, await world.rehome.check(world.plan())]).toEqual([what, isSeen ? [finding] : []])
    await world.rehome.enqueue(world.plan())
    await using attempts = openAttempts(world)
    const phases = new Set<string>()
    using _hearing = hearing('acme', ({ phase = '' }) => void phases.add(phase))
    const outcome = await attempts.try('acme')
    const message = expect.stringMatching(/^`cutover\.also` failed at the source: /)
    const error = expect.objectContaining({ code: 'DIRECTORY_NOT_UPDATED', message })
    expect([what, outcome]).toEqual([what, expect.objectContaining({ kind: 'failed', error })])
    expect([...phases]).not.toContain('fence')
    expect(await shardsAt(world, 'source')).toEqual([['acme', 0]])
  }
})

test('a directory that the plan moves fails check, and an attempt before the tenant is fenced', async () => {
  const own = (tenant: string) =>
    sql`update notes set body = body || '!' where tenant_id = ${tenant}`
  const cte = (tenant: string) => sql`with moved as (update tenants set name = name
    where id = ${tenant} returning 1) select from moved`
  const hidden = (tenant: string) => sql`select mark_home(${tenant})`
  const both = `create function mark_home(tenant text) returns void language sql
    as 'update notes set body = body || ''!'' where tenant_id = $1'`
  const cases = [
    { statement: own, table: 'notes', isFound: true },
    { statement: cte, table: 'tenants', isFound: true },
    { statement: hidden, table: 'notes', isFound: false },
  ]
  for (const { statement, table, isFound } of cases) {
    await using world = await createWorld({ both, plan: { cutover: { also: statement } } })
    await world.addTenant('acme', 3)
    const message = expect.stringMatching(`^.cutover.also. changes "${table}" at the source, which`)
    const findings = await world.rehome.check(world.plan())
    const finding = { where: 'plan field `cutover.also`', message }
    expect([table, findings]).toEqual([table, isFound ? [finding] : []])
    await world.rehome.enqueue(world.plan())
    await using attempts = openAttempts(world)
    const phases = new Set<string>()
    using _hearing = hearing('acme', ({ phase = '' }) => void phases.add(phase))
    const error = expect.objectContaining({ code: 'DIRECTORY_NOT_UPDATED', message })
    expect(await attempts.try('acme')).toMatchObject({ kind: 'failed', again: false, error })
    expect([...phases]).not.toContain('fence')
    expect(await tryWrite(world, 'source', 'acme')).toBe('accepted')
  }
})

test('SQL that fails in the cutover leaves the tenant writable at its old home', async () => {
  await using world = await createDirectories({ ...online, attempts: 5, cutover: { also } })
  await world.rehome.enqueue(world.plan())
  await using attempts = openAttempts(world)
  // Somebody else holds the row from the fence on.
  const other = await world.source.pool.connect()
  let holding: Promise<unknown> | null = null
  const heard = hearing('acme', ({ phase }) => {
    if (phase !== 'fence' || holding) return
    holding = other.query(`begin; select from directory where tenant = 'acme' for update`)
  })
  const error = expect.objectContaining({ code: 'DIRECTORY_NOT_UPDATED', retryable: true })
  expect(await attempts.try('acme')).toMatchObject({ kind: 'failed', again: true, error })
  expect(await tryWrite(world, 'source', 'acme')).toBe('accepted')
  expect(await attempts.moveOf('acme')).toMatchObject({ phase: 'queued', failed_phase: 'drain' })
  heard[Symbol.dispose]()
  // It goes on with what was copied, and does not fence the tenant for a statement that fails.
  const phases = new Set<string>()
  const seen = hearing('acme', ({ phase = '' }) => void phases.add(phase))
  await world.control.pool.query('update rehome_control.moves set not_before = now()')
  expect(await attempts.try('acme')).toMatchObject({ kind: 'failed', again: true, error })
  expect([...phases]).toEqual(expect.arrayContaining(['catch_up', 'verify']))
  expect([...phases]).not.toContain('fence')
  seen[Symbol.dispose]()
  await other.query('rollback')
  other.release()
  expect(await shardsAt(world, 'source')).toEqual([['acme', 0]])
  await world.control.pool.query('update rehome_control.moves set not_before = now()')
  expect(await attempts.try('acme')).toMatchObject({ kind: 'settled', phase: 'moved' })
  expect(await shardsAt(world, 'source')).toEqual([['acme', 1]])
  await expectHome(world, 'acme', 'target')
})

test.each([
  ['with what was written since', false],
  ['without it', true],
] as const)('a rollback %s tries the SQL before it fences the tenant', async (_, discardWrites) => {
  await using world = await createDirectories({ ...online, cutover: { also } })
  const { runId } = await world.rehome.enqueue(world.plan())
  await using attempts = openAttempts(world)
  expect(await attempts.try('acme')).toMatchObject({ kind: 'settled', phase: 'moved' })
  await writeAt(world, 'target', 'acme')
  await world.rehome.rollback(runId ?? '', { tenants: ['acme'], discardWrites })
  const other = await world.source.pool.connect()
  await other.query(`begin; select from directory where tenant = 'acme' for update`)
  const phases = new Set<string>()
  const seen = hearing('acme', ({ phase = '' }) => void phases.add(phase))
  const error = expect.objectContaining({ code: 'DIRECTORY_NOT_UPDATED', retryable: true })
  expect(await attempts.try('acme')).toMatchObject({ kind: 'failed', again: true, error })
  expect([...phases]).not.toContain('undo_fence')
  seen[Symbol.dispose]()
  expect(await tryWrite(world, 'target', 'acme')).toBe('accepted')
  await other.query('rollback')
  other.release()
  await world.control.pool.query('update rehome_control.moves set not_before = now()')
  expect(await attempts.try('acme')).toMatchObject({ kind: 'settled', phase: 'rolled_back' })
  expect(await shardsAt(world, 'source')).toEqual([['acme', 0]])
})
