/**
 * A worker of the chaos, a process of its own to be killed, stopped and misled.
 *
 * SIGTERM ends it as it ends any worker. SIGUSR2 blocks its event loop for CHAOS_BLOCK_MS. It makes
 * the file CHAOS_READY once it takes jobs.
 */
import { writeFile } from 'node:fs/promises'
import { startWorker } from '../jobs/worker.ts'
import { untilStopped } from '../src/cli/until-stopped.ts'
import { plansOf } from './plan.ts'

const lockMs = Number(process.env.CHAOS_LOCK_MS)
const blockMs = Number(process.env.CHAOS_BLOCK_MS)

process.on('SIGUSR2', () => {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, blockMs)
})

const { source, target } = plansOf('mixed')
const worker = await startWorker({ plans: [...source, ...target], lockMs, reconcileEveryMs: 1_000 })
await writeFile(process.env.CHAOS_READY ?? '', '')
await untilStopped()
await worker.close()
process.exit(0)
