/**
 * npm run fuzz -- --minutes M --seed S [--case N] [--json]
 *
 * Draws multi-tenant schemas, rows and stories, moves tenants where `check` finds nothing, and asks
 * an oracle that shares nothing with rehome. Exit code 0: all of it held. 1: something did not, or
 * the fuzzer itself broke down. 2: wrong arguments.
 */
import { messageOf } from '../src/errors.ts'
import { type FuzzOptions, readOptions } from './options.ts'
import { accountOf, reportOf, textOf } from './report.ts'
import { runFuzz } from './run.ts'

async function main(): Promise<number> {
  let options: FuzzOptions
  try {
    options = readOptions(process.argv.slice(2))
  } catch (error) {
    process.stderr.write(`fuzz: ${messageOf(error).split('\n')[0]}\n`)
    return 2
  }
  const tell = (line: string) => void process.stderr.write(`${line}\n`)
  tell(`seed ${options.seed}`)
  const report = reportOf(options, await runFuzz(options, tell))
  const text = () => [textOf(report), ...report.found.map(accountOf)].join('\n\n')
  process.stdout.write(options.json ? `${JSON.stringify(report)}\n` : `\n${text()}\n`)
  if (report.held) tell('Everything held.')
  else if (report.found.length === 0) tell('Nothing was proved.')
  return report.held ? 0 : 1
}

try {
  process.exit(await main())
} catch (error) {
  process.stderr.write(`fuzz: ${error instanceof Error ? error.stack : error}\n`)
  process.exit(1)
}
