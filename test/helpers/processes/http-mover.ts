// A process that is everything of a move over HTTP: both ends and the worker between them. It moves
// the tenant `acme` of the small world in its environment, and prints how that ended.
import { startWorker } from '../../../jobs/worker.ts'
import { openLibrary } from '../../../src/coordinator/rehome.ts'
import { createLog } from '../../../src/log.ts'
import { type PlanInput, table } from '../../../src/plan/plan.ts'
import { createPool } from '../../../src/postgres.ts'
import { secret, serveEnd } from '../http-end.ts'
import { endAt } from '../http-world.ts'
import { smallPlan } from '../small-plan.ts'

const environment: NodeJS.ProcessEnv = { ...process.env, END_SECRET: secret }
const poolOf = (name: 'SOURCE_URL' | 'TARGET_URL') =>
  createPool({ url: environment[name] ?? '', name, size: 10 })
const source = await serveEnd({ pool: poolOf('SOURCE_URL') })
const target = await serveEnd({ pool: poolOf('TARGET_URL') })
// Page by page through all that a row may meet.
const lines = table<{ text: string }>('note_lines', {
  through: 'note_id',
  transform: (row) => ({ ...row, text: row.text.toUpperCase() }),
})
const changes: Partial<PlanInput> = {
  tenants: ['acme'],
  source: endAt(source, { pageRows: 2_000 }),
  target: endAt(target, { pageRows: 2_000 }),
  chunkRows: 50_000,
  attempts: 1,
  pause: { budgetMs: 600_000 },
  fence: { leaseMs: 20_000, drainMs: 5_000 },
}
const { tables } = smallPlan({})
const plan = smallPlan({
  ...changes,
  tables: tables.map((one) => (one.kind === 'table' && one.name === lines.name ? lines : one)),
})
const log = createLog({ level: process.env.LOG_LEVEL ?? 'silent' })
const worker = await startWorker({ plans: [plan], environment, log })
const rehome = await openLibrary({ environment, by: 'tester', log })
const { runId } = await rehome.enqueue(plan)
for await (const { done, moves } of rehome.watch(runId ?? '', { everyMs: 100 })) {
  if (!done) continue
  const [move] = moves
  const { phase, rows_copied: rows, error_message: error } = move ?? {}
  process.stdout.write(`${JSON.stringify({ phase, rows, error })}\n`)
  break
}
await worker.close()
await rehome.close()
process.exit()
