// What a writer's transaction may go through besides one statement: savepoints, prepared
// transactions, commits inside procedures, triggers at commit, row locks, TRUNCATE, many tenants.
import { randomUUID } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import {
  createFenced,
  type Fenced,
  rowsOf,
  takeSnapshot,
  waitsForLock,
} from '../helpers/fence/fenced.ts'
import { createMover } from '../helpers/fence/mover.ts'
import { noteOf } from '../helpers/fence/schema.ts'
import { codeOf, levels, openWriter, tooLate } from '../helpers/fence/writer.ts'

const visit = `insert into visits values ('acme', '2026-02-02', 1)`

describe.each(levels)('a %s transaction', (level) => {
  test('that is prepared is waited for, also when the drain has seen it before that', async () => {
    await using db = await createFenced()
    const name = `visit ${randomUUID()}`
    await using writer = await openWriter(db, level)
    await writer.write(visit)
    const mover = createMover(db, 'acme')
    await mover.raise()
    const drain = await mover.drainThatWaits()
    expect(await writer.write(`prepare transaction '${name}'`)).toBe('accepted')
    await expect(mover.drain(100)).rejects.toThrow(`prepared transaction "${name}"`)
    expect(drain.isDone()).toBe(false)
    await db.pool.query(`commit prepared '${name}'`)
    await drain.done
    await using copied = await takeSnapshot(db)
    expect(await copied.rows('acme')).toContain('visits (acme,2026-02-02,1)')
    expect(await rowsOf(db.pool, 'acme')).toEqual(await copied.rows('acme'))
  })

  test('that went back to before its write is not waited for, and writes no more', async () => {
    await using db = await createFenced()
    await using writer = await openWriter(db, level)
    await writer.client.query(`savepoint s; ${visit}; rollback to s`)
    await using copied = await createMover(db, 'acme').fence()
    expect(await writer.write(visit)).toBe(tooLate(level))
    await writer.commit()
    expect(await rowsOf(db.pool, 'acme')).toEqual(await copied.rows('acme'))
  })

  test('that writes at its commit cannot commit', async () => {
    await using db = await createFenced()
    await using writer = await openWriter(db, level)
    expect(await writer.write(`insert into outbox values ('acme', '2026-02-02')`)).toBe('accepted')
    await using copied = await createMover(db, 'acme').fence()
    expect(await writer.commit()).toBe(tooLate(level))
    expect(await rowsOf(db.pool, 'acme')).toEqual(await copied.rows('acme'))
    expect((await db.pool.query('select from outbox')).rowCount).toBe(0)
  })

  test('that waits for a row while the fence goes up is refused when it gets it', async () => {
    await using db = await createFenced()
    await using owner = await openWriter(db)
    await owner.client.query(`begin; select from notes where id = ${noteOf('acme')} for update`)
    await using writer = await openWriter(db, level)
    const answer = writer.write(`update notes set body = 'new' where id = ${noteOf('acme')}`)
    await waitsForLock(db, writer.pid)
    await using copied = await createMover(db, 'acme').fence()
    await owner.rollback()
    expect(await answer).toBe(tooLate(level))
    await writer.commit()
    expect(await rowsOf(db.pool, 'acme')).toEqual(await copied.rows('acme'))
  })

  test('that gives a row away, and takes it back when the fence stands, is refused', async () => {
    await using db = await createFenced()
    await using writer = await openWriter(db, level)
    const give = (from: string, to: string) =>
      `update visits set tenant_id = '${to}', day = day + 1 where tenant_id = '${from}'`
    expect(await writer.write(give('beta', 'beta too'))).toBe('accepted')
    await using copied = await createMover(db, 'acme').fence()
    expect(await writer.write(give('beta too', 'acme'))).toBe(tooLate(level))
    await writer.commit()
    expect(await rowsOf(db.pool, 'acme')).toEqual(await copied.rows('acme'))
  })

  test.each(['visits', 'visits_2025', 'notes cascade'])(
    'that has truncated is waited for, and refused later: %s',
    async (what) => {
      await using db = await createFenced()
      const before = await rowsOf(db.pool, 'acme')
      await using early = await openWriter(db, level)
      await rowsOf(early.client, 'acme')
      const mover = createMover(db, 'acme')
      await (await mover.fence())[Symbol.asyncDispose]()
      expect(await early.write(`truncate ${what}`)).toBe(tooLate(level))
      await early.rollback()
      expect(await rowsOf(db.pool, 'acme')).toEqual(before)
      await mover.lower()
      await using writer = await openWriter(db, level)
      expect(await writer.write(`truncate ${what}`)).toBe('accepted')
      await mover.raise()
      const drain = await mover.drainThatWaits()
      expect(drain.isDone()).toBe(false)
      await writer.commit()
      await drain.done
      expect((await rowsOf(db.pool, 'acme')).length).toBeLessThan(before.length)
    },
  )
})

test('a procedure that commits halfway is stopped at its next statement', async () => {
  await using db = await createFenced()
  await db.pool.query(`create procedure two_visits() language plpgsql as $$ begin
    ${visit}; commit; perform pg_advisory_xact_lock_shared(4711, 9);
    insert into visits values ('acme', '2026-02-03', 1); end $$`)
  await using keeper = await openWriter(db)
  await keeper.client.query('select pg_advisory_lock(4711, 9)')
  await using writer = await openWriter(db)
  const answer = writer.write('call two_visits()')
  await waitsForLock(db, writer.pid)
  await using copied = await createMover(db, 'acme').fence()
  await keeper.client.query('select pg_advisory_unlock(4711, 9)')
  expect(await answer).toBe('25006')
  expect(await copied.rows('acme')).toContain('visits (acme,2026-02-02,1)')
  expect(await rowsOf(db.pool, 'acme')).toEqual(await copied.rows('acme'))
})

test('a statement on 100,000 tenants takes one bounded set of locks, and all or nothing', async () => {
  await using db = await createFenced()
  const many = (last: string) => `insert into visits select 't' || g, date '2026-02-02', 1
    from generate_series(1, 100000) g union all select '${last}', date '2026-02-02', 1`
  await using writer = await openWriter(db, 'read committed')
  expect(await writer.write(many('beta'))).toBe('accepted')
  const query = `select count(*)::int as locks from pg_locks where locktype = 'advisory'
    and pid = pg_backend_pid()`
  expect((await writer.client.query(query)).rows[0].locks).toBeLessThanOrEqual(1024)
  await writer.rollback()
  await using copied = await createMover(db, 'acme').fence()
  expect(await codeOf(db.pool.query(many('acme')))).toBe('25006')
  expect(await rowsOf(db.pool, 'acme')).toEqual(await copied.rows('acme'))
  expect(await strangers(db)).toBe(0)
})

async function strangers(db: Fenced): Promise<number> {
  const query = `select count(*)::int as n from visits where tenant_id like 't%0'`
  return (await db.pool.query(query)).rows[0].n
}
