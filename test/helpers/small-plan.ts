// The plan of the small world, with what a test wants otherwise.
import { postgres } from '../../src/plan/endpoint.ts'
import { definePlan, type PlanInput, table } from '../../src/plan/plan.ts'
import { sql } from '../../src/plan/sql-text.ts'

export function smallPlan(changes: Partial<PlanInput>): PlanInput {
  return definePlan({
    name: 'small',
    source: postgres({ urlFrom: 'SOURCE_URL' }),
    target: postgres({ urlFrom: 'TARGET_URL' }),
    tenants: sql`select id from tenants order by id`,
    tables: [
      table('tenants', { tenant: 'id' }),
      table('notes'),
      table('note_lines', { through: 'note_id' }),
      table('visits'),
    ],
    chunkRows: 12,
    attempts: 2,
    backoffMs: 50,
    fence: { leaseMs: 15_000, drainMs: 2_000 },
    ...changes,
  })
}
