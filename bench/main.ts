/**
 * `npm run bench -- NAME`: measures rehome against the same work without it, on its own servers.
 *
 * Each bench is a file beside this one. Progress goes to standard error, the report to standard
 * output. Whatever was started ends with this process, on Ctrl-C too.
 */
import { CommanderError } from 'commander'
import type { Bench } from './bench.ts'
import { findLoad } from './load.ts'
import { machineOf } from './machine.ts'
import { readCall, type Wishes } from './options.ts'
import { missed, printReport, type Report } from './print.ts'
import { serverSettings, startBenchServer } from './server.ts'

async function measure(bench: Bench, wishes: Wishes, signal: AbortSignal): Promise<Report> {
  const { rows, tenants, runs, seconds } = wishes
  const load = await findLoad(wishes.load)
  const tell = (line: string) => void process.stderr.write(`${line}\n`)
  tell('starting a PostgreSQL server')
  await using server = await startBenchServer(bench.settings)
  signal.throwIfAborted()
  const machine = await machineOf(server)
  const figures = await bench.run({ server, load, rows, tenants, runs, seconds, signal, tell })
  return {
    bench: bench.name,
    at: new Date().toISOString(),
    ...{ rows, tenants, runs, seconds, machine, load: load.name, figures },
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
    const { bench, wishes } = readCall(argv)
    const report = await measure(bench, wishes, interrupt.signal)
    process.stdout.write(`${wishes.json ? JSON.stringify(report) : printReport(report)}\n`)
    if (!wishes.check || report.met) return 0
    if (wishes.json) process.stderr.write(`${missed(report.figures).join('\n')}\n`)
    return 1
  } catch (error) {
    if (interrupted !== undefined) return interrupted
    if (error instanceof CommanderError && error.exitCode === 0) return 0
    process.stderr.write(`${error instanceof Error ? error.message : error}\n`)
    return error instanceof CommanderError ? 2 : 1
  }
}

process.exit(await main(process.argv.slice(2)))
