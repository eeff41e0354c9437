/** A worker that says when it is ready, and lives until it is killed. */
import { startWorker } from '../../jobs/worker.ts'
import { createLog } from '../../src/log.ts'
import { plan } from './plan.ts'

await startWorker({ plans: [plan], log: createLog({ level: 'silent' }) })
process.stdout.write('ready\n')
