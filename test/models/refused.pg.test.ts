// What a plan for two models may not do, and is told before any harm is done.
import { expect, test } from 'vitest'
import { definePlan, table } from '../../src/plan/plan.ts'
import { sql } from '../../src/plan/sql-text.ts'
import { stream } from '../../src/plan/stream.ts'
import {
  type Activity,
  addWorkspace,
  exclude,
  moveOne,
  sources,
  trackerPlan,
  trackerWorld,
} from '../helpers/tracker.ts'
import { createWorld } from '../helpers/world.ts'

test('a stream may read no table that nobody guards, unless it says so', async () => {
  await using world = await trackerWorld({ source: 'create table words (id bigint, word text);' })
  await addWorkspace(world, 'acme', 3)
  const reading = (alsoReads: string[]) =>
    stream<{ id: bigint }, Activity>('activities', {
      from: (tenant) =>
        sql`select i.id from issues i left join words w on w.id = i.id where workspace_id = ${tenant}`,
      key: 'id',
      alsoReads,
      to: ['activities'],
      transform: ({ id }, { tenantId }) => {
        return { activities: { workspace_id: tenantId, item_id: id, kind: 'opened' } }
      },
    })
  const left = [...exclude, 'words']
  const refused = trackerPlan({ tables: [...sources, reading([])], exclude: left })
  const allowed = trackerPlan({
    ...{ name: 'a', exclude: left },
    tables: [...sources, reading(['words'])],
  })
  await using _worker = await world.work([refused, allowed])
  expect((await moveOne(world, refused)).error_message).toMatch(
    /reads "words", which is not planned/,
  )
  expect((await moveOne(world, allowed)).error_message).toBeNull()
})

test('a plan that makes a row of one tenant into one of another is stopped by the guard', async () => {
  await using world = await trackerWorld()
  await addWorkspace(world, 'acme', 3)
  const astray = stream<{ id: bigint }, Activity>('activities', {
    from: 'issues',
    to: ['activities'],
    transform: ({ id }, { tenantId }) => {
      const workspace_id = id === 2n ? 'zoo' : tenantId
      return { activities: { workspace_id, item_id: id, kind: 'opened' } }
    },
  })
  const plan = trackerPlan({ exclude, tables: [...sources, astray] })
  await using _worker = await world.work([plan])
  const move = await moveOne(world, plan)
  expect([move.error_code, move.error_message]).toEqual([
    'ROW_REJECTED',
    expect.stringContaining('has written rows of tenant "zoo"'),
  ])
  expect((await world.target.pool.query('select from activities')).rowCount).toBe(0)
})

test('ids that a plan forgets to make new are found before anything is moved', async () => {
  await using world = await createWorld()
  const plan = definePlan({
    ...world.plan(),
    newIds: { notes: { by: sql`nextval('notes_id_seq')` } },
    tables: [
      table('tenants', { tenant: 'id' }),
      table('notes', { newIds: { id: 'notes', words: 'none' } }),
      table('note_lines', { through: 'note_id' }),
      table('visits', { newIds: { hour: 'notes' } }),
    ],
  })
  const found = (await world.rehome.check(plan)).map(({ where, message }) => `${where} ${message}`)
  expect(found).toEqual([
    expect.stringContaining('table "notes" `newIds` of the plan have no "none"'),
    expect.stringContaining('table "notes" "parent_id" refers to "notes"'),
    expect.stringContaining('table "note_lines" "note_id" refers to "notes"'),
    expect.stringContaining('table "visits" `newIds` names column "hour"'),
  ])
})
