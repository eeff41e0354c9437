// Plans of two scopes over the same tables: guards of both stand, and a fence of either is kept.
import { expect, test } from 'vitest'
import { createFenced } from '../helpers/fence/fenced.ts'
import { installFence, unguardedRelations } from '../helpers/fence/install.ts'
import { createMover } from '../helpers/fence/mover.ts'
import { fencePlan } from '../helpers/fence/schema.ts'
import { codeOf } from '../helpers/fence/writer.ts'

const ofTracker = { ...fencePlan, scope: "the tracker's" }

test('a plan of another scope brings guards of its own, for TRUNCATE too', async () => {
  await using db = await createFenced()
  expect(await unguardedRelations(db.url, fencePlan)).toEqual([])
  await installFence(db.url, { plan: ofTracker, guardsOnly: true })
  expect(await unguardedRelations(db.url, ofTracker)).toEqual([])
  expect(await unguardedRelations(db.url, fencePlan)).toEqual([])
  await using _copied = await createMover(db, 'acme', { scope: ofTracker.scope }).fence()
  expect(await codeOf(db.pool.query(`insert into inbox values ('acme', '2026-02-02')`))).toBe(
    '25006',
  )
  expect(await codeOf(db.pool.query('truncate visits'))).toBe('25006')
  await using _other = await createMover(db, 'beta').fence()
  expect(await codeOf(db.pool.query(`insert into inbox values ('beta', '2026-02-02')`))).toBe(
    '25006',
  )
  expect(await codeOf(db.pool.query(`insert into inbox values ('gamma', '2026-02-02')`))).toBe(
    'accepted',
  )
})
