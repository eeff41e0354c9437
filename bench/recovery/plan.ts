/** One table, and time for a move to wait in its drain for as long as a round lasts. */
import { definePlan, postgres, sql, table } from '../../src/index.ts'

export const plan = definePlan({
  name: 'recovery',
  source: postgres({ urlFrom: 'SOURCE_URL' }),
  target: postgres({ urlFrom: 'TARGET_URL' }),
  tenants: sql`select distinct tenant_id from items`,
  tables: [table('items')],
  fence: { drainMs: 300_000 },
  pause: { budgetMs: 600_000 },
  attempts: 9,
})
