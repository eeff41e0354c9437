// The command line from its sources, without a build: `npx tsx dev/rehome.ts …`.
import { main } from '../src/cli/main.ts'
import * as rehome from '../src/index.ts'

process.exitCode = await main(process.argv.slice(2), rehome)
