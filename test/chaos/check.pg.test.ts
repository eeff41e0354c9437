// The check of the chaos finds what is there to be found: each kind of damage is planted once, at a
// tenant of its own, and nothing is found at anybody else.
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Committed, checkHomeChanges } from '../../chaos/checks/check-homes.ts'
import { checkPauses } from '../../chaos/checks/check-pauses.ts'
import { checkWaits } from '../../chaos/checks/check-waits.ts'
import type { Finding } from '../../chaos/checks/findings.ts'
import { Outages } from '../../chaos/faults/outages.ts'
import { Ledger } from '../../chaos/writers/ledger.ts'
import { type Pause, Pauses } from '../../chaos/writers/pauses.ts'
import { Waits } from '../../chaos/writers/waits.ts'
import { type QuietWorld, quietWorld } from './quiet-world.ts'

let world: QuietWorld
const damaged = new Set<string | null>()

beforeAll(async () => {
  world = await quietWorld()
})
afterAll(async () => {
  await world[Symbol.asyncDispose]()
})

/** Findings at this tenant, and at none that was whole before. */
async function foundAt(tenant: string | null): Promise<Finding[]> {
  const found = await world.check()
  damaged.add(tenant)
  expect(found.filter((finding) => !damaged.has(finding.tenant))).toEqual([])
  return found.filter((finding) => finding.tenant === tenant)
}

const kindsOf = (findings: readonly Finding[]) => [...new Set(findings.map(({ kind }) => kind))]

test('writes of every kind that are all there are no finding', async () => {
  const tenant = 'tenant-01'
  const added = await world.write(tenant, 'add')
  await world.write(tenant, 'add', { style: 'savepoint', isolation: 'serializable' })
  await world.write(tenant, 'many', { parts: 5 })
  await world.write(tenant, 'copy', { parts: 4, isolation: 'repeatable read' })
  await world.write(tenant, 'count', { counter: 'two' })
  await world.write(tenant, 'visit', { parts: 12 })
  await world.write(tenant, 'erase', { erases: added })
  expect(await foundAt(tenant)).toEqual([])
})

test('an acknowledged row that is not there is lost', async () => {
  const tenant = 'tenant-02'
  const write = await world.write(tenant, 'many', { parts: 3 })
  await world.source.pool.query('delete from entries where write_id = $1 and part = 2', [write.id])
  const [found, ...others] = await foundAt(tenant)
  expect(found).toMatchObject({ kind: 'lost', tenant })
  expect(found?.text).toContain(`many ${write.id} (read committed, source end): 2 of 3 rows`)
  expect(others).toEqual([])
})

test('a write whose outcome is unknown may be there or not, but not in part', async () => {
  const tenant = 'tenant-03'
  const write = await world.write(tenant, 'visit', { parts: 2 })
  world.ledger.settle(write, 'unknown')
  expect(await foundAt(tenant)).toEqual([])
  await world.source.pool.query('delete from visits where write_id = $1 and part = 1', [write.id])
  expect(kindsOf(await foundAt(tenant))).toEqual(['lost'])
  await world.source.pool.query('delete from visits where write_id = $1', [write.id])
  expect(await foundAt(tenant)).toEqual([])
})

test('a row that is there twice is found', async () => {
  const tenant = 'tenant-04'
  const write = await world.write(tenant, 'add')
  const again = `insert into entries (tenant_id, write_id, part, body)
    select tenant_id, write_id, part, body from entries where write_id = $1`
  await world.source.pool.query(again, [write.id])
  expect(kindsOf(await foundAt(tenant))).toEqual(['duplicated'])
})

test('a row whose erasure was acknowledged is found where it is there again', async () => {
  const tenant = 'tenant-05'
  const write = await world.write(tenant, 'many')
  await world.write(tenant, 'erase', { erases: write })
  const back = `insert into entries (tenant_id, write_id, body) values ($1, $2, '')`
  await world.source.pool.query(back, [tenant, write.id])
  expect(kindsOf(await foundAt(tenant))).toEqual(['resurrected'])
})

test('rows that were refused, taken back, or never written by anybody are strays', async () => {
  const tenant = 'tenant-06'
  const refused = await world.write(tenant, 'many')
  world.ledger.settle(refused, 'undone')
  const taken = await world.write(tenant, 'many')
  const insert = 'insert into entries (tenant_id, write_id, part, body) values ($1, $2, $3, $4)'
  await world.source.pool.query(insert, [tenant, taken.id, 0, ''])
  await world.source.pool.query(insert, [tenant, randomUUID(), 1, ''])
  const found = await foundAt(tenant)
  expect(kindsOf(found)).toEqual(['stray'])
  expect(found.map(({ text }) => text.split(': ')[1]).toSorted()).toEqual([
    'acknowledged',
    'undone',
    'unheard of',
  ])
})

test('a counter is found that lacks an acknowledged write, or has one too many', async () => {
  const tenant = 'tenant-07'
  await world.write(tenant, 'count', { counter: 'one' })
  const set = 'update counters set n = $2 where tenant_id = $1'
  await world.source.pool.query(set, [tenant, 0])
  const [found] = await foundAt(tenant)
  expect(found?.text).toBe('counter "one" is 0, and 1 to 1 writes counted it up')
  await world.source.pool.query(set, [tenant, 1])
  expect(kindsOf(await foundAt(tenant))).toEqual(['miscounted'])
})

test('a row that changed without a write is found', async () => {
  const tenant = 'tenant-08'
  const change = `update visits set hits = 0 where tenant_id = $1 and day = '2025-12-24'`
  await world.source.pool.query(change, [tenant])
  expect(kindsOf(await foundAt(tenant))).toEqual(['altered'])
})

test('a row of a bystander is found even where it was written as it was', async () => {
  const touch = `update tenants set name = name where id = 'bystander-target-2'`
  await world.target.pool.query(touch)
  const [found, ...others] = await foundAt(null)
  const text = 'target tenants bystander-target-2'
  expect(found).toEqual({ kind: 'foreign touched', tenant: null, text })
  expect(others).toEqual([])
})

test('a tenant that is writable at both ends, or at none, has no home', async () => {
  const tenant = 'tenant-09'
  const insert = `insert into tenants (id, name) values ($1, 'Name of ' || $1)`
  await world.target.pool.query(insert, [tenant])
  const noHome = { kind: 'no home', tenant }
  expect(await foundAt(tenant)).toEqual([
    { ...noHome, text: 'the source accepts, the target accepts' },
  ])
  const close = `insert into rehome.tenant_flags
    (scope, tenant_id, mode, token, epoch, move_id, reason, retry_after_s)
    values ('default', $1, 'receiving', $2, $2, $2, 'test', 1)`
  await world.source.pool.query(close, [tenant, randomUUID()])
  await world.target.pool.query('delete from tenants where id = $1', [tenant])
  expect(await foundAt(tenant)).toEqual([
    { ...noHome, text: 'the source refuses, the target absent' },
  ])
})

test('a write that the other end accepted without a move proves two homes', async () => {
  const tenant = 'tenant-10'
  const insert = `insert into tenants (id, name) values ($1, 'Name of ' || $1)`
  await world.target.pool.query(insert, [tenant])
  await world.write(tenant, 'many')
  await world.write(tenant, 'many', { end: 'target' })
  await world.write(tenant, 'many')
  await world.target.pool.query('delete from entries where tenant_id = $1', [tenant])
  await world.target.pool.query('delete from tenants where id = $1', [tenant])
  const found = await foundAt(tenant)
  expect(kindsOf(found)).toEqual(['lost', 'two homes'])
  expect(found.at(-1)?.text).toContain('2 changes of its home, and there were 0 cutovers')
})

test('commits that change ends more often than there were cutovers prove two homes', () => {
  const tenant = 'acme'
  const ledger = new Ledger()
  const commitAt = (end: 'source' | 'target', at: number): Committed => {
    const plain = { style: 'plain', isolation: 'serializable', counter: null } as const
    const input = { tenant, kind: 'many', parts: 1, erases: null, ...plain } as const
    // Both were under way for a second, so the writers' own clock proves nothing.
    const write = Object.assign(ledger.begin(input), { end, startedMs: 0, endedMs: 1_000 })
    ledger.acknowledge(write)
    return { write, end, at }
  }
  const homes = new Map([[tenant, 'target'] as const])
  const cutovers = new Map([[tenant, 1]])
  const right = [commitAt('source', 1), commitAt('source', 2), commitAt('target', 3)]
  expect(checkHomeChanges({ ledger, commits: right, cutovers, homes })).toEqual([])
  const wrong = [commitAt('source', 1), commitAt('target', 2), commitAt('source', 3)]
  const found = checkHomeChanges({ ledger, commits: wrong, cutovers, homes })
  expect(kindsOf(found)).toEqual(['two homes'])
  expect(found[0]?.text).toContain('change ends 3 times, and there were 1 cutovers')
  expect(
    checkHomeChanges({ ledger, commits: wrong, cutovers: new Map([[tenant, 3]]), homes }),
  ).toEqual([])
})

test('a move that is still open at the end is stuck', async () => {
  const tenant = 'tenant-11'
  const { pool } = world.control
  await pool.query(`insert into rehome_control.runs (id, plan_name, plan_fingerprint, scope, source,
    target, attempts, backoff_ms, created_by, rehome_version)
    values ('run', 'forward', '', 'default', '', '', 1, 1, '', '')`)
  const move = `insert into rehome_control.moves 
      (id, run_id, scope, target_scope, tenant_id, phase)
    values ($1, 'run', 'default', 'default', $2, 'cutover')`
  await pool.query(move, [randomUUID(), tenant])
  const [found] = await foundAt(tenant)
  expect(found).toMatchObject({ kind: 'stuck', tenant })
  expect(found?.text).toContain('move of run run is open in phase cutover')
})

test('a tenant that was refused for longer than budget, lease and outages is stuck', () => {
  const tenant = 'acme'
  const pause = (refusedToMs: number): Pause => {
    const said = { source: 'moved', target: 'receiving' }
    return { tenant, fromMs: 0, refusedToMs, acceptedMs: null, refusals: 9, said }
  }
  const outages = new Outages()
  const check = (ms: number) =>
    checkPauses({ pauses: [pause(ms)], outages, workers: ['worker 1', 'worker 2'] })
  expect(check(8_000)).toEqual([])
  expect(kindsOf(check(8_001))).toEqual(['stuck'])
  // One worker alone, or the queue, or the control database, is no reason to wait.
  outages.add('worker 1', { fromMs: 0, toMs: 5_000 })
  outages.add('control', { fromMs: 0, toMs: 5_000 })
  outages.add('redis', { fromMs: 0, toMs: 5_000 })
  expect(check(8_001)).toHaveLength(1)
  outages.add('worker 2', { fromMs: 4_000, toMs: 6_000 })
  expect(check(9_000)).toEqual([])
  expect(check(9_001)).toHaveLength(1)
  outages.add('target', { fromMs: 4_500, toMs: 5_500 })
  expect(check(9_501)).toHaveLength(1)
  expect(check(9_500)).toEqual([])
})

test('a tenant that a transaction of the application holds may be refused for as long', () => {
  const tenant = 'acme'
  const said = { source: 'read_only' }
  const pause: Pause = {
    ...{ tenant, fromMs: 0, refusedToMs: 12_000, acceptedMs: null, refusals: 9, said },
  }
  const outages = new Outages()
  const check = () => kindsOf(checkPauses({ pauses: [pause], outages, workers: [] }))
  outages.add('tenant another', { fromMs: 0, toMs: 9_000 })
  expect(check()).toEqual(['stuck'])
  outages.add('tenant acme', { fromMs: 1_000, toMs: 4_000 })
  expect(check()).toEqual(['stuck'])
  // A first writer that is kept by a lock, or frozen, keeps the others out.
  outages.add('tables source', { fromMs: 4_000, toMs: 4_500 })
  outages.add('writers', { fromMs: 4_500, toMs: 5_000 })
  expect(check()).toEqual([])
})

test('a write that hangs for longer than the budget has waited, whatever became of it', () => {
  const waits = new Waits()
  const outages = new Outages()
  const check = () => checkWaits({ waits, outages, workers: ['worker 1', 'worker 2'] })
  const told = { answer: 'acknowledged', isAway: false }
  const wait = { tenant: 'acme', end: 'source', fromMs: 0, ...told } as const
  waits.add({ ...wait, toMs: 5_000, thoughtMs: 0 })
  waits.add({ ...wait, toMs: 9_000, thoughtMs: 4_000 })
  expect(check()).toEqual([])
  waits.add({ ...wait, toMs: 5_001, thoughtMs: 0 })
  expect(check()).toMatchObject([{ kind: 'waited', tenant: 'acme' }])
  expect(waits.longestMs).toBe(5_001)
  // No writer has to wait for workers, for the control database, for the queue, or for the other
  // end.
  const others = ['worker 1', 'worker 2', 'control', 'redis', 'tenant acme'] as const
  for (const part of [...others, 'target', 'tables target'] as const) {
    outages.add(part, { fromMs: 0, toMs: 5_001 })
  }
  expect(check()).toHaveLength(1)
  outages.add('tables source', { fromMs: 100, toMs: 101 })
  expect(check()).toEqual([])
})

test('a write where its tenant does not live may wait for a round of a worker that is out', () => {
  const [waits, outages] = [new Waits(), new Outages()]
  const check = () => checkWaits({ waits, outages, workers: ['worker 1'] })
  const away = { tenant: 'acme', end: 'source', fromMs: 0, thoughtMs: 0, isAway: true } as const
  waits.see('source', 'rehome source 7')
  waits.add({ ...away, toMs: performance.now() + 6_000, answer: 'refused' })
  waits.see('target', 'rehome target 8')
  expect(check()[0]?.text).toMatch(/allowed: refused; sessions there waited for rehome source 7$/)
  outages.add('worker 1', { fromMs: 0, toMs: performance.now() + 6_000 })
  expect(check()).toEqual([])
})

test('a pause lasts until a write is accepted that was begun in it', () => {
  const tenant = 'acme'
  const pauses = new Pauses()
  pauses.refuse(tenant, { end: 'source', mode: 'read_only' })
  const [going] = pauses.all()
  pauses.accept(tenant, { startedMs: (going?.fromMs ?? 0) - 1, endedMs: performance.now() })
  expect(pauses.isGoing(tenant)).toBe(true)
  pauses.accept(tenant, { startedMs: performance.now(), endedMs: performance.now() })
  expect(pauses.isGoing(tenant)).toBe(false)
  expect(pauses.all()).toHaveLength(1)
})
