// The examples work as they stand.
import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import plan from '../examples/plan.ts'
import { ended } from './helpers/runs.ts'
import { createWorld } from './helpers/world.ts'

const drop = 'drop table visits, note_lines, notes, tenants; drop type mood;'

test('the notebook moves to its new data model', async () => {
  const [source, target] = await Promise.all(
    ['source', 'target'].map((name) => readFile(`examples/${name}.sql`, 'utf8')),
  )
  await using world = await createWorld({
    source: `${drop}${source}`,
    target: `${drop}${target}`,
    plan,
  })
  await using _worker = await world.work([plan])
  const { runId } = await world.rehome.enqueue(plan)
  const moves = [...(await ended(world, runId)).values()]
  expect(moves.map(({ phase, error_message }) => [phase, error_message])).toEqual([
    ['moved', null],
    ['moved', null],
  ])
  const rows = await world.target.pool.query('select title, body from notes order by id limit 1')
  expect(rows.rows).toEqual([{ title: 'Note 1 of Acme & Sons', body: 'Its text, 🏠 and all.' }])
})
