// A control database alone, with one run: what rules about moves are tried on.
import { randomUUID } from 'node:crypto'
import { closeControl, openControl } from '../../../src/control/database.ts'
import { insertRun } from '../../../src/control/runs/runs.ts'
import { migrate } from '../../../src/migrations.ts'
import { createDatabase } from '../database.ts'

export const run = {
  id: 'run',
  plan_name: 'plan',
  plan_fingerprint: 'text',
  scope: 'default',
  source: 'a',
  target: 'b',
  attempts: 1,
  backoff_ms: 1,
  created_by: 'tester',
  rehome_version: '0',
}

/** A control database with moves t0, t1, … that were touched an hour ago. */
export async function controlWith(moves: number) {
  const database = await createDatabase()
  const control = openControl(database.url)
  await migrate(control.pool, 'control')
  const ids = Array.from({ length: moves }, (_, i) => ({ id: randomUUID(), tenant: `t${i}` }))
  await insertRun(control, run, { moves: ids, errand: 'move', targetScope: 'default' })
  await control.pool.query(`update rehome_control.moves set updated_at = now() - interval '1 h'`)
  return {
    control,
    ids,
    set: (change: string) => control.pool.query(`update rehome_control.moves set ${change}`),
    async [Symbol.asyncDispose]() {
      await closeControl(control)
      await database.drop()
    },
  }
}
