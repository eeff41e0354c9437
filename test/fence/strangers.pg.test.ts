// No writer waits for the transaction of another one, however long that stays open.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { logTableOf } from '../../src/ends/postgres/changes/change-log.ts'
import { lowerLapsed } from '../../src/ends/postgres/fence/leftovers.ts'
import { createFenced, type Fenced } from '../helpers/fence/fenced.ts'
import { createMover } from '../helpers/fence/mover.ts'
import { fencePlan } from '../helpers/fence/schema.ts'
import { levels, openWriter } from '../helpers/fence/writer.ts'

let db: Fenced
beforeAll(async () => {
  db = await createFenced({ plan: { ...fencePlan, strategy: 'online' } })
})
afterAll(async () => await db[Symbol.asyncDispose]())
beforeEach(async () => {
  await db.pool.query('delete from rehome.tenant_flags; delete from visits where hits = 77')
})

let day = 0
function newVisit(): string {
  day += 1
  return `insert into visits values ('acme', date '2026-02-02' + ${day}, 77)`
}

async function lapse(change: string): Promise<void> {
  await createMover(db, 'acme', { pool: db.moverPool({ size: 1 }) }).raiseLapsed()
  await db.pool.query(`update rehome.tenant_flags set ${change}`)
}

async function modes(): Promise<string[]> {
  const { rows } = await db.pool.query('select mode from rehome.tenant_flags')
  return rows.map(({ mode }) => mode)
}

async function logged(): Promise<number> {
  const log = logTableOf({ scope: 'default', schema: 'public', table: 'visits', log: shape })
  return (await db.pool.query(`select from ${log}`)).rowCount ?? 0
}

const shape = { columns: [], whole: false }

describe.each(levels)('while a %s writer keeps its transaction open', (level) => {
  test('others of a fence that has lapsed are refused at once, and go on after it', async () => {
    await lapse('retry_after_s = 1')
    await using first = await openWriter(db, level)
    expect(await first.write(newVisit())).toBe('accepted')
    await using second = await openWriter(db)
    await second.client.query(`set lock_timeout = '200ms'`)
    expect(await second.write(newVisit())).toBe('25006')
    expect(await first.commit()).toBe('accepted')
    expect(await second.write(newVisit())).toBe('accepted')
    expect(await modes()).toEqual([])
  })

  test('others of a window whose fence has lapsed are refused, and then logged', async () => {
    await lapse(`capture_until = clock_timestamp() + interval '1 h'`)
    const before = await logged()
    await using first = await openWriter(db, level)
    expect(await first.write(newVisit())).toBe('accepted')
    await using second = await openWriter(db)
    await second.client.query(`set lock_timeout = '200ms'`)
    expect(await second.write(newVisit())).toBe('25006')
    expect(await first.commit()).toBe('accepted')
    expect(await second.write(newVisit())).toBe('accepted')
    expect(await modes()).toEqual(['capturing'])
    expect(await logged()).toBe(before + 2)
  })

  test('others of a capture that has lapsed write, are logged, and the reaper ends it', async () => {
    await lapse(`mode = 'capturing'`)
    const before = await logged()
    await using first = await openWriter(db, level)
    expect(await first.write(newVisit())).toBe('accepted')
    await using second = await openWriter(db)
    await second.client.query(`set lock_timeout = '200ms'`)
    expect(await second.write(newVisit())).toBe('accepted')
    expect(await logged()).toBe(before + 1)
    expect(await lowerLapsed(second.client as never, { scope: 'default', tenant: 'acme' })).toBe(
      true,
    )
    expect(await first.commit()).toBe('accepted')
    expect(await logged()).toBe(before + 2)
    expect(await second.write(newVisit())).toBe('accepted')
    expect(await logged()).toBe(before + 2)
  })
})
