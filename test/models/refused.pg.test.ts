// Plans for two models that are refused before any harm is done.
import { expect, test } from 'vitest'
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
} from '../helpers/schemas/tracker.ts'

test('a stream may read no unguarded table, unless it says so', async () => {
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
