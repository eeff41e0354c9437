/**
 * `npm run bench -- NAME`: measures rehome against the same work without it, on its own servers.
 *
 * Each bench is a file beside this one. Progress goes to standard error, the report to standard
 * output. Whatever was started ends with this process, on Ctrl-C too.
 */
import { Argument, Command, CommanderError, InvalidArgumentError, Option } from 'commander'
import type { Bench, BenchSize } from './bench.ts'
import { calls } from './calls.ts'
import { fence } from './fence.ts'
import { growth } from './growth.ts'
import { findLoad, loadNames } from './load.ts'
import { machineOf } from './machine.ts'
import { pause } from './pause.ts'
import { missed, printReport, type Report } from './print.ts'
import { recovery } from './recovery.ts'
import { serverSettings, startBenchServer } from './server.ts'
import { copy, move, tenants, verify } from './shards.ts'

const benches: readonly Bench[] = [
  copy,
  verify,
  move,
  tenants,
  growth,
  pause,
  fence,
  recovery,
  calls,
]

interface Wishes extends BenchSize {
  readonly json?: true
  readonly check?: true
  readonly load: string
}

const more = `
Benches:
${benches.map(({ name, summary }) => `  ${name.padEnd(8)} ${summary}`).join('\n')}

Exit codes:
  0  measured      1  failed, or --check and an aim was missed      2  a mistake in the call

Examples:
  npm run bench -- fence
  npm run --silent bench -- fence --json > fence.json
`

function program(): Command {
  const count = (text: string) => {
    if (/^[1-9]\d{0,8}$/.test(text)) return Number(text)
    throw new InvalidArgumentError('It has to be a whole number from 1.')
  }
  return new Command('bench')
    .description('measures rehome, on servers that it starts for the purpose')
    .addArgument(new Argument('<bench>').choices(benches.map(({ name }) => name)))
    .addOption(
      new Option('--rows <n>', 'of a tenant or a large statement')
        .argParser(count)
        .default(200_000),
    )
    .addOption(new Option('--runs <n>', 'rounds of all variants').argParser(count).default(12))
    .addOption(new Option('--seconds <n>', 'length of a slice').argParser(count).default(2))
    .addOption(new Option('--load <program>', 'clients').choices([...loadNames]).default('auto'))
    .option('--json', 'print one JSON object and nothing else')
    .option('--check', 'exit with 1 where an aim was missed')
    .addHelpText('after', more)
    .exitOverride()
}

async function measure(bench: Bench, wishes: Wishes, signal: AbortSignal): Promise<Report> {
  const { rows, runs, seconds } = wishes
  const load = await findLoad(wishes.load)
  const tell = (line: string) => void process.stderr.write(`${line}\n`)
  tell('starting a PostgreSQL server')
  await using server = await startBenchServer(bench.settings)
  signal.throwIfAborted()
  const machine = await machineOf(server)
  const figures = await bench.run({ server, load, rows, runs, seconds, signal, tell })
  return {
    bench: bench.name,
    at: new Date().toISOString(),
    ...{ rows, runs, seconds, machine, load: load.name, figures },
    settings: { ...serverSettings, ...bench.settings },
    met: figures.every((figure) => figure.met !== false),
  }
}

async function main(argv: readonly string[]): Promise<number> {
  const interrupt = new AbortController()
  const codes = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 }
  let interrupted: number | undefined
  for (const [name, code] of Object.entries(codes)) {
    process.once(name, () => {
      interrupted = code
      interrupt.abort(new Error('interrupted'))
    })
  }
  try {
    const command = program().parse(argv, { from: 'user' })
    const bench = benches.find(({ name }) => name === command.args[0])
    if (!bench) return 2
    const wishes = command.opts<Wishes>()
    const report = await measure(bench, wishes, interrupt.signal)
    process.stdout.write(`${wishes.json ? JSON.stringify(report) : printReport(report)}\n`)
    if (!wishes.check || report.met) return 0
    if (wishes.json) process.stderr.write(`${missed(report.figures).join('\n')}\n`)
    return 1
  } catch (error) {
    if (interrupted !== undefined) return interrupted
    // Commander has already said what is wrong with the call.
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2
    process.stderr.write(`${error instanceof Error ? error.message : error}\n`)
    return 1
  }
}

process.exit(await main(process.argv.slice(2)))
