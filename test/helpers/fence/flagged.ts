// A database that is guarded for a plan, in which acme has moved away or its changes are logged.
import { randomUUID } from 'node:crypto'
import type { PlanInput } from '../../../src/plan/plan.ts'
import { createDatabase, type TestDatabase } from '../database.ts'
import { installFence } from './install.ts'

export async function createFlagged(
  { schema, plan }: { readonly schema: string; readonly plan: PlanInput },
  mode: 'moved' | 'capturing',
): Promise<TestDatabase> {
  const database = await createDatabase()
  await database.pool.query(schema)
  await installFence(database.url, { plan })
  const leased = mode === 'capturing' ? `now() + interval '1 h'` : 'null'
  await database.pool.query(
    `insert into rehome.tenant_flags (scope, tenant_id, mode, token, epoch, move_id, reason,
      retry_after_s, expires_at, moved_to)
    values ('default', 'acme', $1, $2, $2, $2, 'test', 1, ${leased}, $3)`,
    [mode, randomUUID(), mode === 'moved' ? 'there' : null],
  )
  return database
}
