// The fence as an application and another move meet it. That nothing gets past it is shown in
// test/fence/, and that each of its lines is needed for that in test/mutants/.
import { randomUUID } from 'node:crypto'
import { expect, test } from 'vitest'
import { removeFlag } from '../src/ends/postgres/fence/tenant-flags.ts'
import { eventually } from './helpers/eventually.ts'
import { createFenced, rowsOf } from './helpers/fence/fenced.ts'
import { createMover } from './helpers/fence/mover.ts'
import { noteOf } from './helpers/fence/schema.ts'
import { codeOf, levels, openWriter } from './helpers/fence/writer.ts'
import { claimTarget, nextTurn, raiseFence } from './helpers/fenced.ts'

const visit = `insert into visits values ('acme', '2026-02-02', 1)`

test.each(levels)('a %s writer of another tenant goes on', async (level) => {
  await using db = await createFenced()
  await using writer = await openWriter(db, level)
  await using _copied = await createMover(db, 'acme').fence()
  expect(await writer.write(visit.replace('acme', 'beta'))).toBe('accepted')
  expect(await writer.commit()).toBe('accepted')
})

test('a refusal has the details that an application needs', async () => {
  await using db = await createFenced()
  await createMover(db, 'acme').raise()
  const error = await db.pool.query(visit).catch((e: object) => e)
  expect(error).toMatchObject({ code: '25006', hint: 'rehome:fenced' })
  expect(JSON.parse((error as { detail: string }).detail)).toEqual({
    scope: 'default',
    tenant: 'acme',
    mode: 'read_only',
    reason: 'test',
    retryAfterS: 7,
    movedTo: null,
    indefinite: false,
    key: null,
  })
})

test('a tenant may be read, and its rows locked', async () => {
  await using db = await createFenced()
  await createMover(db, 'acme').raise()
  const read = `select from notes where id = ${noteOf('acme')} for update`
  expect(await codeOf(db.pool.query(read))).toBe('accepted')
  const none = `update notes set body = '' where tenant_id = 'acme' and false`
  expect(await codeOf(db.pool.query(none))).toBe('accepted')
})

test('a move does not claim what is not its own', async () => {
  await using db = await createFenced()
  const first = createMover(db, 'acme')
  await first.raise()
  const others = { ...createMover(db, 'acme').hold, moveId: randomUUID(), epoch: randomUUID() }
  const words = { reason: 'test', retryAfterS: 7 }
  expect(await raiseFence(first.pool, { ...others, ...words, leaseMs: 1000 })).toBe(false)
  const ours = [first.moveId]
  expect(await claimTarget(first.pool, { ...others, ...words, ours })).toBeNull()
  expect(await removeFlag(first.pool, others, 'read_only')).toBe(false)
  expect(await removeFlag(first.pool, first.hold, 'read_only')).toBe(false)
  await nextTurn(first.pool, first.hold)
  await first.lower()
  expect(await codeOf(db.pool.query(visit))).toBe('accepted')
})

test('a lease lapses by itself, and the first writer goes on', async () => {
  await using db = await createFenced()
  const mover = createMover(db, 'acme', { leaseMs: 300 })
  const before = await rowsOf(db.pool, 'acme')
  await mover.raise()
  await eventually(async () => expect(await codeOf(db.pool.query(visit))).toBe('accepted'))
  expect(await mover.flag()).toBeNull()
  expect(await mover.renew()).toBe(false)
  expect(await mover.cutOver()).toBe(false)
  expect((await rowsOf(db.pool, 'acme')).length).toBe(before.length + 1)
})
