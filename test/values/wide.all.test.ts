// A table with nearly as many columns as PostgreSQL allows.
import { expect, test } from 'vitest'
import { table } from '../../src/plan/plan.ts'
import { ended, expectHome } from '../helpers/runs.ts'
import { createWorld } from '../helpers/world.ts'

test('a table with 1,590 columns moves within its pause', { timeout: 180_000 }, async () => {
  const columns = Array.from({ length: 1_588 }, (_, i) => `"column ${i}" int`).join(', ')
  await using world = await createWorld({
    both: `create table wide (id int primary key, tenant_id text not null, ${columns});
      create index on wide (tenant_id)`,
    plan: {
      tables: [
        table('tenants', { tenant: 'id' }),
        table('notes'),
        table('note_lines', { through: 'note_id' }),
        table('visits'),
        table('wide'),
      ],
      ...{ attempts: 1, pause: { budgetMs: 20_000 }, fence: { leaseMs: 60_000, drainMs: 5_000 } },
    },
  })
  await world.addTenant('acme')
  await world.source.pool.query(
    `insert into wide (id, tenant_id, "column 1587") select g, 'acme', g from generate_series(1, 20) g`,
  )
  await using _ = await world.work()
  const { runId } = await world.rehome.enqueue(world.plan())
  const move = (await ended(world, runId)).get('acme')
  expect([move?.phase, move?.error_message]).toEqual(['moved', null])
  const rows = 'select r::text from wide r order by id'
  expect((await world.target.pool.query(rows)).rows).toEqual(
    (await world.source.pool.query(rows)).rows,
  )
  await expectHome(world, 'acme', 'target')
})
