// Rows of one model become those of quite another: by queries, groups and rows that become many.
import { expect, test } from 'vitest'
import { ended } from '../helpers/runs.ts'
import { addWorkspace, trackerPlan, trackerWorld } from '../helpers/schemas/tracker.ts'

test('issues and their labels become work items, and each row arrives once', async () => {
  await using world = await trackerWorld()
  for (const name of ['acme', "o'neil"]) await addWorkspace(world, name, 40)
  await using _worker = await world.work([trackerPlan()])
  expect(await world.rehome.check(trackerPlan())).toEqual([])
  const { runId } = await world.rehome.enqueue(trackerPlan())
  const moves = [...(await ended(world, runId)).values()]
  expect(moves.map(({ phase, error_message }) => [phase, error_message])).toEqual([
    ['moved', null],
    ['moved', null],
  ])
  const expected = await world.source.pool.query(`
    select i.workspace_id as w, '#' || number || ' ' || title as title, body,
      coalesce((select jsonb_agg(l.name order by l.id) from issue_labels il
        join labels l on l.id = il.label_id where il.issue_id = i.id), '[]') as labels
    from issues i order by i.id`)
  const found = await world.target.pool.query(`
    select workspace_id as w, title, doc ->> 'body' as body, doc -> 'labels' as labels
    from work_items order by id`)
  expect(found.rows).toEqual(expected.rows)
  const tags = 'select count(*)::int as n from'
  const wanted = (await world.source.pool.query(`${tags} issue_labels`)).rows
  expect((await world.target.pool.query(`${tags} work_item_tags`)).rows).toEqual(wanted)
  const kinds = `${tags} activities group by kind order by kind desc`
  expect((await world.target.pool.query(kinds)).rows).toEqual([{ n: 80 }, { n: 60 }])
})
