// A stream with an inverse comes back with what was written at its new home.
import { expect, test } from 'vitest'
import { checkPlan } from '../../src/plan/check-plan.ts'
import { sourceTable, targetTable } from '../../src/plan/plan.ts'
import { gather, stream } from '../../src/plan/stream.ts'
import { ended } from '../helpers/runs.ts'
import {
  addWorkspace,
  exclude,
  labelled,
  moveOne,
  trackerPlan,
  trackerWorld,
} from '../helpers/schemas/tracker.ts'

interface Issue {
  id: bigint
  workspace_id: string
  number: number
  title: string
  body: string | null
  at: string
}

interface Item {
  id: bigint
  workspace_id: string
  title: string
  doc: { number: number; body: string | null }
  created_at: string
}

const items = stream<Issue, { work_items: Item }>('items', {
  from: 'issues',
  to: ['work_items'],
  transform: ({ id, workspace_id, number, title, body, at }) => ({
    work_items: { id, workspace_id, title, doc: { number, body }, created_at: at },
  }),
  invert: ({ id, workspace_id, title, doc, created_at: at }) => {
    return { id, workspace_id, title, ...doc, at }
  },
})

const tables = [sourceTable('issues'), targetTable('work_items'), items]
const millis = 'alter table issues alter at type timestamptz(3)'

test('in a window its rows go back, changed and new ones', async () => {
  await using world = await trackerWorld({
    source: millis,
    target: 'alter table work_items drop color',
  })
  await addWorkspace(world, 'acme', 6)
  const plan = trackerPlan({ tables, exclude, rollback: { windowMs: 3_600_000 } })
  await using _worker = await world.work([plan])
  const move = await moveOne(world, plan)
  expect([move.phase, move.error_message]).toEqual(['moved', null])
  await world.target.pool.query(`update work_items set title = 'changed' where id = 2`)
  await world.target.pool.query(`insert into work_items values
    (900, 'acme', 'new', '{"number": 77, "body": null}', '2026-02-03 04:05:06.789+00')`)
  await world.rehome.rollback(move.run_id, { tenants: ['acme'] })
  const back = (await ended(world, move.run_id)).get('acme')
  expect([back?.phase, back?.error_message]).toEqual(['rolled_back', null])
  const written = `select id::int, number, title from issues where id in (2, 900) order by id`
  expect((await world.source.pool.query(written)).rows).toEqual([
    { id: 2, number: 2, title: 'changed' },
    { id: 900, number: 77, title: 'new' },
  ])
})

test('an inverse of rows that become many, or of groups, is refused', () => {
  const invert = items.invert
  const many = { ...items, to: ['work_items', 'activities'], invert }
  const grouped = gather('groups', {
    ...{ from: labelled, key: 'id', by: 'id', to: ['work_items'] as never[] },
    transform: () => null,
  })
  for (const wrong of [many, { ...grouped, invert }]) {
    const plan = trackerPlan({ tables: [sourceTable('issues'), wrong], exclude })
    expect(() => checkPlan(plan)).toThrow(/has `invert`, which is for a stream from one table/)
  }
})
