// Chunks of a table at the target: rows that were committed together have one transaction's number.
import { expect, test } from 'vitest'
import { table } from '../../src/plan/plan.ts'
import { openAttempts } from '../helpers/attempts.ts'
import { createWorld } from '../helpers/world.ts'

test('commits as many rows together as the table says, or else as the plan says', async () => {
  const tables = [
    table('tenants', { tenant: 'id' }),
    table('notes', { chunkRows: 5 }),
    table('note_lines', { through: 'note_id' }),
    table('visits'),
  ]
  await using world = await createWorld({ plan: { tables, chunkRows: 1_000 } })
  await world.addTenant('acme', 23)
  await world.rehome.enqueue(world.plan(), { tenants: ['acme'] })
  await using attempts = openAttempts(world)
  expect(await attempts.try('acme')).toMatchObject({ kind: 'settled', phase: 'moved' })
  const chunks = async (name: string) => {
    const query = `select count(*)::int as rows from ${name} group by xmin::text order by rows`
    const answer = await world.target.pool.query<{ rows: number }>(query)
    return answer.rows.map(({ rows }) => rows)
  }
  expect(await chunks('notes')).toEqual([3, 5, 5, 5, 5])
  expect(await chunks('note_lines')).toHaveLength(1)
})
