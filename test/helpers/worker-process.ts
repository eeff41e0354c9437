// A worker as a process of its own, to be killed: takes the small world's plan from its
// environment.
import { startWorker } from '../../jobs/worker.ts'
import { createLog } from '../../src/log.ts'
import { smallPlan } from './small-plan.ts'

const changes = JSON.parse(process.env.PLAN_CHANGES ?? '{}')
await startWorker({
  plans: [smallPlan(changes)],
  log: createLog({ level: 'silent' }),
  lockMs: 3000,
})
process.stdout.write('ready\n')
