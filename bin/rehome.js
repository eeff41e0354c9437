#!/usr/bin/env node
import { startWorker } from '../dist/jobs/worker.js'
import { main } from '../dist/src/cli/main.js'

process.exitCode = await main(process.argv.slice(2), { startWorker })
