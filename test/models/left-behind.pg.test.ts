// Rows that stay behind: they are named as the source knows them, and counted once.
import { expect, test } from 'vitest'
import { table } from '../../src/plan/plan.ts'
import { sql } from '../../src/plan/sql-text.ts'
import { stream } from '../../src/plan/stream.ts'
import { moveOf, runAll } from '../helpers/runs.ts'
import {
  addWorkspace,
  exclude,
  moveOne,
  sources,
  trackerPlan,
  trackerWorld,
} from '../helpers/schemas/tracker.ts'
import { createWorld } from '../helpers/world.ts'

test('a row with a new id that fails for two tables is counted once, by its own id', async () => {
  await using world = await trackerWorld({ target: 'create sequence item_ids start 70001' })
  await addWorkspace(world, 'acme', 6)
  const plan = trackerPlan({
    exclude,
    newIds: { items: { by: sql`nextval('item_ids')` } },
    tables: [
      ...sources,
      stream<{ id: bigint; number: number; at: string }, Record<string, object>>('items', {
        from: 'issues',
        newIds: { id: 'items' },
        quarantine: 2,
        to: ['work_items', 'activities'],
        transform({ id, number, at }, { tenantId: workspace_id }) {
          if (number === 4) throw new Error('no such thing')
          return {
            work_items: { id, workspace_id, title: 't', doc: {}, created_at: at },
            activities: { workspace_id, item_id: id, kind: 'opened' },
          }
        },
      }),
    ],
  })
  await using _worker = await world.work([plan])
  const move = await moveOne(world, plan)
  expect([move.phase, move.error_message]).toEqual(['moved', null])
  const { rows } = await world.source.pool.query('select id::text from issues where number = 4')
  const key = `(${rows[0].id})`
  expect(move.evidence.quarantined).toMatchObject({
    rows: 1,
    tables: { work_items: 1, activities: 1 },
    first: [{ key, message: `stream "items", key ${key}: the transform threw no such thing` }],
  })
  const kept = `select distinct key, content ->> 'id' as id from rehome.quarantine`
  expect((await world.target.pool.query(kept)).rows).toEqual([{ key, id: rows[0].id }])
})

test('rows that refer to one that stayed behind are refused, and it is said why', async () => {
  await using world = await createWorld({
    plan: {
      attempts: 1,
      tables: [
        table('tenants', { tenant: 'id' }),
        table<{ amount: string }, { amount: string }>('notes', {
          quarantine: 1,
          columns: { drop: ['words'] },
          transform(row) {
            if (row.amount.startsWith('3.')) throw new Error('three')
            return row
          },
        }),
        table('visits'),
      ],
      exclude: [{ table: 'note_lines', leaveReferences: true }],
    },
  })
  await world.addTenant('acme', 6)
  await world.source.pool.query('delete from note_lines')
  const third = `(select id from notes where amount::text like '3.%')`
  await world.source.pool.query(`update notes set parent_id = ${third} where amount > 4`)
  await using _worker = await world.work()
  const move = await moveOf(world, await runAll(world), 'acme')
  expect([move.phase, move.error_code]).toEqual(['failed', 'FOREIGN_KEY_BROKEN'])
  expect(move.error_message).toMatch(
    /3 rows break foreign key .* \(1 rows of "notes" stayed behind/,
  )
})
