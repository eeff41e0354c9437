// Rows that find their tenant through a parent, while the parent does not tell one yet: it is not
// committed, or has no tenant. They may come to any tenant before their writer ends, so every drain
// waits for that writer.
import { describe, expect, test } from 'vitest'
import { createFenced, type Fenced, rowsOf, takeSnapshot } from '../../helpers/fence/fenced.ts'
import { createMover } from '../../helpers/fence/mover.ts'
import { noteOf } from '../../helpers/fence/schema.ts'
import { codeOf, levels, openWriter, type Writer } from '../../helpers/fence/writer.ts'

const foreignKey = 'note_lines_note_id_fkey'

/** How a row can be there before its parent. */
const early: readonly (readonly [title: string, sql: string])[] = [
  [
    'a foreign key that is checked at commit',
    `alter table note_lines alter constraint ${foreignKey} deferrable initially deferred`,
  ],
  [
    'a foreign key that is not enforced',
    `alter table note_lines drop constraint ${foreignKey},
      add constraint ${foreignKey} foreign key (note_id) references notes not enforced`,
  ],
]

const free = `alter table notes alter tenant_id drop not null;
  insert into notes (id) values (99); insert into note_lines values (99, 1, 'old')`

/** The row's writer is in, the parent tells its tenant by now, and the fence goes up. */
async function isWaitedFor(db: Fenced, writer: Writer): Promise<void> {
  const mover = createMover(db, 'acme')
  await mover.raise()
  const drain = await mover.drainThatWaits()
  expect(drain.isDone()).toBe(false)
  expect(await writer.commit()).toBe('accepted')
  await drain.done
  await using copied = await takeSnapshot(db)
  expect(await rowsOf(db.pool, 'acme')).toEqual(await copied.rows('acme'))
}

describe.each(early)('with %s', (_, sql) => {
  test('a row that comes before its parent is waited for', async () => {
    await using db = await createFenced()
    await db.pool.query(sql)
    await using writer = await openWriter(db, 'read committed')
    expect(await writer.write(`insert into note_lines values (99, 1, 'new')`)).toBe('accepted')
    await db.pool.query(`insert into notes values (99, 'acme')`)
    await isWaitedFor(db, writer)
  })
})

describe.each(levels)('a %s writer', (level) => {
  test.each([
    ['insert', `insert into note_lines values (99, 7, 'new')`],
    ['update', `update note_lines set text = 'new' where note_id = 99`],
    ['delete', 'delete from note_lines where note_id = 99'],
  ])('of a row whose parent gets a tenant meanwhile is waited for: %s', async (_, write) => {
    await using db = await createFenced()
    await db.pool.query(free)
    await using writer = await openWriter(db, level)
    expect(await writer.write(write)).toBe('accepted')
    await db.pool.query(`update notes set tenant_id = 'acme' where id = 99`)
    await isWaitedFor(db, writer)
  })

  test('whose snapshot shows no tenant is refused when the fence stands', async () => {
    await using db = await createFenced()
    await db.pool.query(free)
    await using writer = await openWriter(db, level)
    await rowsOf(writer.client, 'acme')
    await db.pool.query(`update notes set tenant_id = 'acme' where id = 99`)
    await using copied = await createMover(db, 'acme').fence()
    const refused = level === 'read committed' ? '25006' : '40001'
    expect(await writer.write(`insert into note_lines values (99, 7, 'new')`)).toBe(refused)
    await writer.commit()
    expect(await rowsOf(db.pool, 'acme')).toEqual(await copied.rows('acme'))
  })
})

test('a cascade from a parent of another tenant keeps no drain waiting', async () => {
  await using db = await createFenced()
  await using writer = await openWriter(db, 'repeatable read')
  expect(await writer.write(`delete from notes where id = ${noteOf('beta')}`)).toBe('accepted')
  const mover = createMover(db, 'acme')
  await mover.raise()
  await mover.drain()
  expect(await codeOf(writer.client.query('commit'))).toBe('accepted')
})
