/** One row a tenant, in waves of 1 %, 10 % and all others. */
import { definePlan, postgres, sql, table } from '../../src/index.ts'

export const plan = definePlan({
  name: 'backlog',
  source: postgres({ urlFrom: 'SOURCE_URL' }),
  target: postgres({ urlFrom: 'TARGET_URL' }),
  tenants: sql`select tenant_id from accounts`,
  tables: [table('accounts')],
  waves: [{ percent: 1 }, { percent: 10 }, { rest: true }],
})
