// Every way of writing, at every isolation level, in every order with the fence: who was in before
// is waited for and is in the copy's snapshot; who comes later is refused, and nothing of it stays.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Pool } from '../../src/postgres.ts'
import { createFenced, type Fenced, rowsOf, takeSnapshot } from '../helpers/fence/fenced.ts'
import { createMover, type Mover } from '../helpers/fence/mover.ts'
import type { Tenant } from '../helpers/fence/schema.ts'
import { inSavepoint, type Way, ways } from '../helpers/fence/ways.ts'
import {
  closeGate,
  type Level,
  levels,
  openWriter,
  tooLate,
  type Writer,
  writeAtGate,
} from '../helpers/fence/writer.ts'
import { partOf } from '../helpers/rotation.ts'

/** Levels do not share rows, so that each finds them as they were. */
const tenantOf: Record<Level, Tenant> = {
  'read committed': 'acme',
  'repeatable read': 'beta',
  serializable: 'gamma',
}

interface Race {
  readonly db: Fenced
  readonly mover: Mover
  readonly way: Way
  readonly level: Level
}

async function openWriterOf({ db, way, level }: Race): Promise<Writer> {
  const writer = await openWriter(db)
  await way.prepare?.(writer.client)
  await writer.client.query(`begin isolation level ${level}`)
  return writer
}

/** Its snapshot is older than the fence; it writes when the fence stands. */
async function refusesAnOldSnapshot(race: Race): Promise<void> {
  const { db, mover, way, level } = race
  const tenant = tenantOf[level]
  const before = await rowsOf(db.pool, tenant)
  await using writer = await openWriterOf(race)
  await rowsOf(writer.client, tenant)
  await using copied = await mover.fence()
  expect(await writer.write((client) => way.write(client, tenant))).toBe(tooLate(level))
  await writer.commit()
  expect(await copied.rows(tenant)).toEqual(before)
  expect(await rowsOf(db.pool, tenant)).toEqual(before)
  await mover.lower()
}

/** Its statement has begun before the fence and goes on behind it. */
async function refusesAStatementUnderWay(race: Race): Promise<void> {
  const { db, mover, way, level } = race
  const tenant = tenantOf[level]
  const before = await rowsOf(db.pool, tenant)
  await using writer = await openWriterOf(race)
  await writer.client.query('set local test.gated = on')
  const gate = await closeGate(db)
  const { answer } = await writeAtGate(db, writer, (client) => way.write(client, tenant))
  await using copied = await mover.fence()
  await gate.open()
  expect(await answer).toBe(tooLate(level))
  await writer.commit()
  expect(await copied.rows(tenant)).toEqual(before)
  expect(await rowsOf(db.pool, tenant)).toEqual(before)
  await mover.lower()
}

/** It has written, and commits behind the fence. */
async function waitsForAWriter(race: Race): Promise<void> {
  const { db, mover, way, level } = race
  const tenant = tenantOf[level]
  const before = await rowsOf(db.pool, tenant)
  await using writer = await openWriterOf(race)
  expect(await writer.write((client) => way.write(client, tenant))).toBe('accepted')
  await mover.raise()
  const drain = await mover.drainThatWaits()
  expect(drain.isDone()).toBe(false)
  expect(await writer.commit()).toBe('accepted')
  await drain.done
  await using copied = await takeSnapshot(db)
  expect(await copied.rows(tenant)).not.toEqual(before)
  expect(await rowsOf(db.pool, tenant)).toEqual(await copied.rows(tenant))
  await mover.lower()
}

const all = [...ways, ...ways.slice(0, 3).map(inSavepoint)]

describe.each(partOf(all, 2).map((way) => [way.title, way] as const))('%s', (_, way) => {
  let db: Fenced
  let pool: Pool
  beforeAll(async () => {
    db = await createFenced()
    pool = db.moverPool()
  })
  afterAll(async () => await db[Symbol.asyncDispose]())

  test.each(levels)(
    '%s: before the fence it is waited for and copied, later refused',
    async (level) => {
      const mover = createMover(db, tenantOf[level], { pool })
      const race = { db, way, level, mover }
      await refusesAnOldSnapshot(race)
      await refusesAStatementUnderWay(race)
      await waitsForAWriter(race)
    },
  )
})
