// The command line from its sources, without a build: `npx tsx dev/rehome.ts …`.
import { startWorker } from '../jobs/worker.ts'
import { main } from '../src/cli/main.ts'

process.exitCode = await main(process.argv.slice(2), { startWorker })
