/**
 * npm run chaos -- --minutes M --seed S [--queue redis|postgres] [--json]
 *
 * Moves tenants between two databases while everything around them fails, and then holds what their
 * writers were answered against what is there. Exit code 0: all of it held. 1: something did not,
 * or the chaos itself broke down. 2: wrong arguments.
 */
import { mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { messageOf } from '../src/errors.ts'
import { type ChaosOptions, commandOf, readOptions } from './options.ts'
import { accountOf, reportOf, textOf, workerLinesOf } from './report.ts'
import { type Outcome, runChaos } from './run.ts'

async function main(): Promise<number> {
  let options: ChaosOptions
  try {
    options = readOptions(process.argv.slice(2))
  } catch (error) {
    process.stderr.write(`chaos: ${messageOf(error).split('\n')[0]}\n`)
    return 2
  }
  const tell = (line: string) => void process.stderr.write(`${line}\n`)
  const outcome = await runChaos(options, tell)
  const report = reportOf(options, outcome)
  process.stdout.write(options.json ? `${JSON.stringify(report)}\n` : `\n${textOf(report)}\n\n`)
  if (report.held) {
    tell('Everything held.')
    return 0
  }
  tell(accountOf(options, outcome))
  tell(`The whole account: ${await keep(options, outcome)}`)
  return 1
}

async function keep(options: ChaosOptions, outcome: Outcome): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), `rehome-chaos-${options.seed}-`))
  const path = join(directory, 'account.txt')
  const text = `${commandOf(options)}\n\n${accountOf(options, outcome)}\n\n${workerLinesOf(outcome)}\n`
  await writeFile(path, text)
  for (const [i, lines] of outcome.workerLogs.entries()) {
    await writeFile(join(directory, `worker-${i + 1}.log`), lines)
  }
  return path
}

try {
  process.exit(await main())
} catch (error) {
  process.stderr.write(`chaos: ${error instanceof Error ? error.stack : error}\n`)
  process.exit(1)
}
