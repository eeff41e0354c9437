// A partition that is made or attached later has no guards of its own yet. What is written directly
// to it is refused all the same while its tenant is closed there, and waited for before that; and
// a move that has seen another schema ends before its cutover.
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { expect, test } from 'vitest'
import type { RemoteCall } from '../../src/calls.ts'
import type { TestDatabase } from '../helpers/database.ts'
import { createFenced, type Fenced, takeSnapshot } from '../helpers/fence/fenced.ts'
import { installFence, unguardedRelations } from '../helpers/fence/install.ts'
import { createMover } from '../helpers/fence/mover.ts'
import { bounds, dayOf, ways, writes } from '../helpers/fence/new-partitions.ts'
import { fencePlan } from '../helpers/fence/schema.ts'
import { codeOf, levels, openWriter, tooLate } from '../helpers/fence/writer.ts'
import { partOf } from '../helpers/rotation.ts'
import { ended, expectHome, rowsAt, tryWrite } from '../helpers/runs.ts'
import { createWorld, type World } from '../helpers/world.ts'

async function fenceIs(db: Fenced, mode: 'read_only' | 'moved' | 'receiving'): Promise<void> {
  const query = `update rehome.tenant_flags set mode = $1, expires_at = null,
    moved_to = case $1 when 'moved' then 'there' end where tenant_id = $2`
  if (mode !== 'read_only') await db.pool.query(query, [mode, 'acme'])
}

test.each(partOf(Object.entries(ways), 2))(
  'nothing gets past a fence into a partition that is %s',
  async (way, sql) => {
    await using db = await createFenced()
    await db.pool.query(sql)
    // Rows to change, of everybody.
    for (const tenant of ['acme', 'beta']) {
      const row = `insert into visits_2027 (tenant_id, day, hits) values ('${tenant}', '${dayOf(way)}27', 1)`
      expect(await codeOf(db.pool.query(row))).toBe('accepted')
    }
    await createMover(db, 'acme').raise()
    for (const mode of ['read_only', 'moved', 'receiving'] as const) {
      await fenceIs(db, mode)
      for (const [name, write] of Object.entries(writes(way, 'acme'))) {
        expect([mode, name, await codeOf(db.pool.query(write))]).toEqual([mode, name, '25006'])
        const asReplica = `begin; set local session_replication_role = replica; ${write}; commit`
        expect([mode, name, await codeOf(db.pool.query(asReplica))]).toEqual([mode, name, '25006'])
        await db.pool.query('rollback')
      }
    }
    for (const write of Object.values(writes(way, 'gamma'))) {
      expect(await codeOf(db.pool.query(write))).toBe('accepted')
    }
  },
)

test.each(levels)(
  'a %s writer to a new partition is waited for, and too late when it is',
  async (level) => {
    await using db = await createFenced()
    await using early = await openWriter(db, level)
    await using late = await openWriter(db, level)
    expect(await late.write('select 1')).toBe('accepted')
    await db.pool.query(ways['made as a partition'])
    expect(await early.write(writes('', 'acme').insert ?? '')).toBe('accepted')
    const mover = createMover(db, 'acme')
    // A writer that is in holds what the announcement of other levels waits for.
    const raised = mover.raise()
    if (level === 'read committed') {
      await raised
      const drain = await mover.drainThatWaits()
      expect(drain.isDone()).toBe(false)
      expect(await early.commit()).toBe('accepted')
      await drain.done
    } else {
      expect(await early.commit()).toBe('accepted')
      await raised
      await mover.drain()
    }
    await using copied = await takeSnapshot(db)
    expect((await copied.rows('acme')).filter((row) => row.includes('2027-02-01'))).toHaveLength(1)
    expect(await late.write(writes('', 'acme').several ?? '')).toBe(tooLate(level))
  },
)

test('guards of its own take the place of the inherited one', async () => {
  await using db = await createFenced()
  await db.pool.query(ways['made as a partition'])
  expect(await unguardedRelations(db.url, fencePlan)).toEqual(['visits_2027'])
  await installFence(db.url, { plan: { ...fencePlan }, guardsOnly: true })
  expect(await unguardedRelations(db.url, fencePlan)).toEqual([])
  const query = `select c.relname as name, t.tgenabled as enabled from pg_trigger t
    join pg_class c on c.oid = t.tgrelid where t.tgname = 'rehome_row' order by 1`
  expect(
    (await db.pool.query(query)).rows.map(({ name, enabled }) => `${name} ${enabled}`),
  ).toEqual([
    ...['visits A', 'visits_2025 D', 'visits_2026 A', 'visits_2026_h1 D', 'visits_2026_h2 D'],
    'visits_2027 D',
  ])
})

/** One after the other; returns how the last one ended. */
async function runEach({ pool }: TestDatabase, statements: readonly string[]): Promise<string> {
  let answer = ''
  for (const statement of statements) answer = await codeOf(pool.query(statement))
  return answer
}

/** Runs the SQL once, just before the first call that is meant, and tells how it ended. */
function justBefore(world: World, isMeant: (call: RemoteCall) => boolean, sql: readonly string[]) {
  let answer: Promise<string> | null = null
  const hear = (message: unknown) => {
    const call = message as RemoteCall
    if (answer || call.moment !== 'before' || !isMeant(call)) return
    answer = runEach(world.source, sql)
  }
  subscribe('rehome:call', hear)
  return {
    answer: () => answer,
    [Symbol.dispose]: () => unsubscribe('rehome:call', hear),
  }
}

const made = `create table visits_2027 partition of visits ${bounds}`
const written = `insert into visits_2027 values ('acme', '2027-02-01', 1)`

test('a partition made under the fence takes no row, and the move ends before its cutover', async () => {
  await using world = await createWorld({ plan: { attempts: 1 } })
  await world.addTenant('acme')
  const isMeant = ({ phase, to }: RemoteCall) => phase === 'copy' && to === 'source'
  using late = justBefore(world, isMeant, [made, written])
  await using _worker = await world.work()
  const { runId } = await world.rehome.enqueue(world.plan(), { tenants: ['acme'] })
  expect((await ended(world, runId)).get('acme')).toMatchObject({ phase: 'failed' })
  expect(await late.answer()).toBe('25006')
  expect(await tryWrite(world, 'source', 'acme')).toBe('accepted')
  const findings = await world.rehome.check(world.plan())
  expect(findings.map(({ where }) => where).join()).toContain('visits_2027')
})

test.each(['offline', 'online'] as const)(
  'a partition made after the last look of an %s move takes no row that would stay behind',
  async (strategy) => {
    await using world = await createWorld({ plan: { strategy } })
    await world.addTenant('acme')
    const before = await rowsAt(world, 'source', 'acme')
    await using _worker = await world.work()
    const isCutover = ({ phase, to }: RemoteCall) => phase === 'cutover' && to.startsWith('source')
    using late = justBefore(world, isCutover, [made])
    const { runId } = await world.rehome.enqueue(world.plan(), { tenants: ['acme'] })
    expect((await ended(world, runId)).get('acme')).toMatchObject({ phase: 'moved' })
    expect(await late.answer()).toBe('accepted')
    expect(await codeOf(world.source.pool.query(written))).toBe('25006')
    expect(await rowsAt(world, 'target', 'acme')).toEqual(before)
    await expectHome(world, 'acme', 'target')
  },
)

test('a partition made at the new home while a tenant comes back takes no row under the fence', async () => {
  await using world = await createWorld({ plan: { strategy: 'online', attempts: 1 } })
  await world.addTenant('acme')
  await using _worker = await world.work()
  const { runId } = await world.rehome.enqueue(world.plan(), { tenants: ['acme'] })
  expect((await ended(world, runId)).get('acme')).toMatchObject({ phase: 'moved' })
  let answer: Promise<string> | null = null
  const hear = (message: unknown) => {
    const { moment, phase, to } = message as RemoteCall
    if (answer || moment !== 'before' || phase !== 'undo_cutover' || !to.startsWith('target'))
      return
    answer = runEach(world.target, [made, written])
  }
  subscribe('rehome:call', hear)
  await world.rehome.rollback(runId ?? '', { tenants: ['acme'] })
  const move = (await ended(world, runId)).get('acme')
  unsubscribe('rehome:call', hear)
  expect(move).toMatchObject({ phase: 'rolled_back', error_code: null })
  expect(await answer).toBe('25006')
  await expectHome(world, 'acme', 'source')
})
