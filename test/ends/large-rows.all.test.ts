// Rows of several megabytes: no page, list of values or message holds many of them.
import { expect, test } from 'vitest'
import { textBatches } from '../../src/ends/postgres/text-batches.ts'
import { weightOf } from '../../src/ends/weight.ts'
import { table } from '../../src/plan/plan.ts'
import { withClient } from '../../src/postgres.ts'
import { createDatabase } from '../helpers/database.ts'
import { createHttpWorld } from '../helpers/http-world.ts'
import { moveOf, runAll } from '../helpers/runs.ts'
import { onlinePlan } from '../helpers/way-back.ts'
import { createWorld, type World } from '../helpers/world.ts'

test('batches of a query are bounded by the weight of their rows', async () => {
  const database = await createDatabase()
  const query = `select repeat('x', case when g % 50 < 25 then 10 else 4000 end)
    from generate_series(1, 400) g`
  const weights: number[] = []
  let rows = 0
  await withClient(database.pool, async (client) => {
    for await (const batch of textBatches(client, query, { size: 500, weightMax: 20_000 })) {
      rows += batch.length
      weights.push(batch.reduce((sum, row) => sum + weightOf(row), 0))
    }
  })
  await database.drop()
  expect(rows).toBe(400)
  // What comes next is only expected by what came before.
  expect(Math.max(...weights)).toBeLessThan(5 * 20_000)
  expect(weights.filter((weight) => weight > 2.1 * 20_000).length).toBeLessThan(weights.length / 4)
})

const documents = `drop table note_lines, notes, visits;
  create table documents (id int primary key, tenant_id text not null, body text not null)`
const seed = `insert into tenants (id, name) values ('acme', 'Acme');
  insert into documents select g, 'acme', repeat(chr(64 + g), 5 * 1024 * 1024)
    from generate_series(1, 12) g`
const tables = [
  table('tenants', { tenant: 'id' }),
  table<{ body: string }, { body: string }>('documents', {
    transform: (row) => ({ ...row, body: `${row.body}!` }),
  }),
]

async function expectMoved(world: World): Promise<void> {
  await world.source.pool.query(seed)
  await using _ = await world.work()
  const move = await moveOf(world, await runAll(world), 'acme')
  expect([move.phase, move.error_message]).toEqual(['moved', null])
  const sums = 'select id, md5(body) as sum from documents order by id'
  const made = `select id, md5(body || '!') as sum from documents order by id`
  const [there, here] = [await world.target.pool.query(sums), await world.source.pool.query(made)]
  expect(there.rows).toEqual(here.rows)
}

test('rows of 5 MB go through a transform', { timeout: 120_000 }, async () => {
  await using world = await createWorld({ both: documents, plan: { tables, chunkRows: 1_000 } })
  await expectMoved(world)
})

test('rows of 5 MB go over HTTP, online', { timeout: 120_000 }, async () => {
  await using world = await createHttpWorld({
    ...{ over: ['source', 'target'], both: documents, asking: { pageRows: 2_000 } },
    plan: { ...onlinePlan, tables, chunkRows: 1_000, fence: { leaseMs: 20_000, drainMs: 5_000 } },
  })
  await expectMoved(world)
})
