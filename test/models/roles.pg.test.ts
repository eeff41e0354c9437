// New ids and rows that stay behind need rights that examples/roles/models.sql gives.
import { expect, test } from 'vitest'
import { z } from 'zod'
import { table } from '../../src/plan/plan.ts'
import { sql } from '../../src/plan/sql-text.ts'
import { createRolesWorld, roleStatements } from '../access/roles-world.ts'
import { ended } from '../helpers/runs.ts'

const Visit = z.object({ tenant_id: z.string(), day: z.string(), hits: z.number().max(18) })

const tables = [
  table('tenants', { tenant: 'id' }),
  table('notes', { newIds: { id: 'notes', parent_id: 'notes' } }),
  table('note_lines', { through: 'note_id', newIds: { note_id: 'notes' } }),
  table<z.infer<typeof Visit>>('visits', {
    row: Visit,
    quarantine: 5,
    transform: (row) => row,
  }),
]

test('a role moves such a tenant with them, and without them check names what it lacks', async () => {
  await using world = await createRolesWorld({
    plan: {
      tables,
      attempts: 1,
      newIds: { notes: { by: sql`1000000 + floor(random() * 1e9)::int8` } },
    },
  })
  await world.addTenant('acme', 3)
  const errorOf = async () => {
    const { runId } = await world.rehome.enqueue(world.plan())
    return (await ended(world, runId)).get('acme')?.error_message
  }
  await using _worker = await world.work()
  expect(await errorOf()).toMatch(/permission denied for table new_ids/)
  const statements = await roleStatements('models', world.variablesAt('target'))
  const [quarantine, newIds] = statements as [string, string]
  await world.target.pool.query(newIds)
  expect(await errorOf()).toMatch(/permission denied for table quarantine/)
  await world.target.pool.query(quarantine)
  expect(await errorOf()).toBeNull()
  const visits = 'select max(hits) as most from visits'
  expect((await world.target.pool.query(visits)).rows).toEqual([{ most: 18 }])
})
