// The example of issues that become work items, as its reader runs it: rehearsed, then moved.
import { readFile, writeFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import plan from '../../examples/work-items/plan.ts'
import { rehome } from '../helpers/command.ts'
import { writePlanFile } from '../helpers/plans/plan-file.ts'
import { ended, flagsAt } from '../helpers/runs.ts'
import { createWorld } from '../helpers/world.ts'

const drop = 'drop table visits, note_lines, notes, tenants; drop type mood;'
const file = 'examples/work-items/plan.ts'

async function exampleWorld() {
  const [source, target] = await Promise.all(
    ['source', 'target'].map((name) => readFile(`examples/work-items/${name}.sql`, 'utf8')),
  )
  return await createWorld({ source: `${drop}${source}`, target: `${drop}${target}`, plan })
}

test('a rehearsal tells what a move would do, and leaves nothing', async () => {
  await using world = await exampleWorld()
  const { code, out } = await rehome(['rehearse', file, '--tenant', 'acme'], world.environment)
  expect([code, out]).toEqual([
    0,
    expect.stringMatching(
      /^6 rows copied in [\d.]+ ms \(\d+ rows\/s\), compared in [\d.]+ ms: equal\npredicted pause/,
    ),
  ])
  expect(await flagsAt(world, 'source')).toEqual([])
  expect(await flagsAt(world, 'target')).toEqual([])
  const left =
    'select (select count(*) from work_items) + (select count(*) from work_item_tags) as n'
  expect((await world.target.pool.query(left)).rows[0].n).toBe('0')
  const runs = await world.rehome.runs()
  expect(runs.map(({ phases, open }) => [phases, open])).toEqual([[{ rehearsed: 1 }, 0]])
})

test('a rehearsal of a plan that cannot go well says what differs, and leaves nothing', async () => {
  await using world = await createWorld()
  await world.addTenant('acme', 3)
  const random = '({ words, ...row }) => ({ ...row, body: String(Math.random()) })'
  await using file = await writePlanFile(
    `['acme']`,
    `tables: [table('tenants', { tenant: 'id' }), table('visits'),
      table('notes', { transform: ${random} }), table('note_lines', { through: 'note_id' })]`,
  )
  const args = ['rehearse', file.path, '--tenant', 'acme', '--json']
  const { code, error } = await rehome(args, world.environment)
  expect([code, error]).toEqual([
    4,
    expect.stringMatching(/ROWS_DIFFER: .*"notes": 3 rows expected, 3 found, 3 differ/),
  ])
  expect(await flagsAt(world, 'target')).toEqual([])
  const body = `update notes set body = 'still mine' where tenant_id = 'acme'`
  expect((await world.source.pool.query(body)).rowCount).toBe(3)
})

test('a rehearsal leaves no ids that it has made', async () => {
  await using world = await createWorld()
  await world.addTenant('acme', 3)
  await using file = await writePlanFile(`['acme'],
    newIds: { notes: { by: sql\`1000000 + floor(random() * 1e9)::int8\` } }`)
  const text = await readFile(file.path, 'utf8')
  await writeFile(
    file.path,
    text
      .replace("table('notes')", "table('notes', { newIds: { id: 'notes', parent_id: 'notes' } })")
      .replace("through: 'note_id'", "through: 'note_id', newIds: { note_id: 'notes' }"),
  )
  const { code, error } = await rehome(
    ['rehearse', file.path, '--tenant', 'acme'],
    world.environment,
  )
  expect([code, error]).toEqual([0, expect.stringContaining('both ends are equal')])
  const left = 'select (select count(*) from rehome.new_ids) + (select count(*) from notes) as n'
  expect((await world.target.pool.query(left)).rows[0].n).toBe('0')
})

test('the tracker moves to its new data model', async () => {
  await using world = await exampleWorld()
  await using _worker = await world.work([plan])
  const { runId } = await world.rehome.enqueue(plan)
  const moves = [...(await ended(world, runId)).values()]
  expect(moves.map(({ phase, error_message }) => [phase, error_message])).toEqual([
    ['moved', null],
    ['moved', null],
  ])
  const items = await world.target.pool.query('select title, document from work_items order by id')
  expect(items.rows[0]).toEqual({
    title: '#1 It does not start',
    document: { body: 'Since yesterday, 🏠 and abroad.', labels: ['bug', 'urgent'] },
  })
})
