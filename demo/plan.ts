/**
 * The plan of the demonstration: tenants of a task tracker move to a new database with a new data
 * model, each fenced while it is copied.
 */
import { definePlan, postgres, sql } from 'rehome'
import { tables } from './tables.ts'

export default definePlan({
  name: 'tracker',
  source: postgres({ urlFrom: 'SOURCE_URL' }),
  target: postgres({ urlFrom: 'TARGET_URL' }),
  tenants: sql`select id from tenants order by created_at`,
  tables,
  // Who signed in when is kept by law, where it was recorded.
  exclude: ['sign_ins'],
  chunkRows: 5_000,
})
