/** A worker that reports when it is ready, and ends on a signal. */
import { startWorker } from '../../jobs/worker.ts'
import { createLog } from '../../src/log.ts'
import { plan } from './plan.ts'

const lockMs = process.env.LOCK_MS
const worker = await startWorker({
  plans: [plan],
  log: createLog({ level: 'silent' }),
  ...(lockMs && { lockMs: Number(lockMs) }),
})
process.once('SIGTERM', () => void worker.close())
process.stdout.write('ready\n')
