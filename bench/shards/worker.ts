/** A worker that says when it is ready, and lives until it is killed. */
import { startWorker } from '../../jobs/worker.ts'
import { createLog } from '../../src/log.ts'
import { recordCalls } from '../pause/calls.ts'
import { plans } from './plans.ts'

const { CALLS_FILE: callsFile } = process.env
if (callsFile) recordCalls(callsFile)
await startWorker({ plans, log: createLog({ level: 'silent' }) })
process.stdout.write('ready\n')
