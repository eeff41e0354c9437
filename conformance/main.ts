/**
 * npm run conformance -- URL (--bearer-from VAR | --hmac-from VAR) [--tenant ID] [--scratch ID]
 *
 * Tells whether an end over HTTP keeps the protocol, a line for each point. Exit code 0: nothing
 * failed. 1: something did. 2: wrong arguments, no answer, or the scratch tenant is somebody.
 * 3: nothing failed, but points were not tried for want of a table, rows or an option.
 */
import { messageOf } from '../src/errors.ts'
import { type Options, readOptions, usage } from './options.ts'
import { examine, type Finding } from './run.ts'
import { exitCodeOf, lineOf, summaryOf } from './verdict.ts'

async function main(args: readonly string[]): Promise<number> {
  if (args.includes('--help')) {
    process.stdout.write(usage)
    return 0
  }
  let options: Options
  try {
    options = readOptions(args, process.env)
  } catch (error) {
    process.stderr.write(`conformance: ${messageOf(error)}\n\n${usage}`)
    return 2
  }
  const tell = options.json ? () => {} : (finding: Finding) => print(lineOf(finding))
  try {
    const findings = await examine(options, tell)
    const exitCode = exitCodeOf(findings)
    if (options.json) print(JSON.stringify({ passed: exitCode === 0, points: findings }))
    else print(`\n${summaryOf(findings)}`)
    return exitCode
  } catch (error) {
    process.stderr.write(`conformance: ${messageOf(error)}\n`)
    return 2
  }
}

function print(line: string): void {
  process.stdout.write(`${line}\n`)
}

process.exit(await main(process.argv.slice(2)))
