// Rows that a transform changes in place: columns that it leaves alone, columns that only
// PostgreSQL can convert, and columns that stay on the reused object.
import { expect, test } from 'vitest'
import { table } from '../../src/plan/plan.ts'
import { sql } from '../../src/plan/sql-text.ts'
import { moveOf, runAll } from '../helpers/runs.ts'
import { createWorld } from '../helpers/world.ts'

test.each([
  ['binary', { drop: ['words'] }],
  ['text', { drop: ['words'], compute: { more: sql`interval '1 day'` } }],
])('a column of another type at the target is converted, read in %s or not', async (_, columns) => {
  const notes = table<{ body: string | null; more?: string }>('notes', {
    columns,
    transform(row) {
      if (row.body !== null) row.body += '!'
      return row
    },
  })
  await using world = await createWorld({
    target: `alter table notes alter amount type text, alter raw type text, add more interval`,
    plan: {
      tables: [table('tenants', { tenant: 'id' }), notes, table('visits')],
      exclude: [{ table: 'note_lines', leaveReferences: true }],
    },
  })
  await world.addTenant('acme', 7)
  await world.source.pool.query('update notes set raw = null')
  await using _worker = await world.work()
  const move = await moveOf(world, await runAll(world), 'acme')
  expect(move.error_message).toBeNull()
  const query = (body: string) => `select id, ${body} as body, amount::text, at, doc::text
    from notes order by id`
  const [source, target] = await Promise.all([
    world.source.pool.query(query(`body || '!'`)),
    world.target.pool.query(query('body')),
  ])
  expect(target.rows).toEqual(source.rows)
  expect(target.rows[0].amount).toMatch(/\.\d{4}$/)
})

test('what one row leaves on its object for another does not pass for right', async () => {
  const seen = Symbol('seen')
  const notes = table<{ [seen]?: string; id: bigint; body: string }>('notes', {
    columns: { drop: ['words'] },
    transform(row) {
      row[seen] ??= `first seen in ${row.id}`
      row.body = row[seen]
      return row
    },
  })
  const plan = { tables: [table('tenants', { tenant: 'id' }), notes, table('visits')] }
  await using world = await createWorld({
    plan: { ...plan, exclude: [{ table: 'note_lines', leaveReferences: true }] },
  })
  await world.addTenant('acme', 5)
  await using _worker = await world.work()
  const move = await moveOf(world, await runAll(world), 'acme')
  expect(move.error_message).toBeNull()
  const { rows } = await world.target.pool.query('select id, body from notes order by id')
  expect(rows.map(({ body }) => body)).toEqual(rows.map(({ id }) => `first seen in ${id}`))
})

test('texts that only PostgreSQL can read are left to it, from the row that has one on', async () => {
  const notes = table<{ id: bigint; at: string | null; body: string }>('notes', {
    columns: { drop: ['words'] },
    transform(row) {
      if (row.id % 10n === 7n) row.at = '1 May 2024 12:00:00 PST'
      if (row.id % 3n === 0n) row.body += '\tä'
      return row
    },
  })
  const plan = {
    tables: [table('tenants', { tenant: 'id' }), notes, table('visits')],
    exclude: [{ table: 'note_lines', leaveReferences: true }],
    chunkRows: 5,
  }
  await using world = await createWorld({ plan })
  await world.addTenant('acme', 23)
  await using _worker = await world.work()
  const move = await moveOf(world, await runAll(world), 'acme')
  expect(move.error_message).toBeNull()
  const wanted = `select id, case when id % 10 = 7 then '2024-05-01 20:00:00+00'::timestamptz else at end as at,
    case when id % 3 = 0 then body || E'\\tä' else body end as body,
    parent_id, amount::text, tags::text, doc::text, raw from notes order by id`
  const found = `select id, at, body, parent_id, amount::text, tags::text, doc::text, raw from notes
    order by id`
  const [source, target] = await Promise.all([
    world.source.pool.query(wanted),
    world.target.pool.query(found),
  ])
  expect(target.rows).toEqual(source.rows)
  expect(target.rows).toHaveLength(23)
})
