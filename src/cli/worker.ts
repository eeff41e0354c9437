import type { Command } from 'commander'
import { RehomeError } from '../errors.ts'
import { createLog } from '../log.ts'
import { atLeastOne, integer, note, type PackageModule, print } from './context.ts'
import { loadPlans } from './load-plan.ts'
import { untilStopped } from './until-stopped.ts'

export function addWorker(program: Command, rehome: PackageModule): void {
  program
    .command('worker [plans...]')
    .description('carry out moves until stopped; plans default to REHOME_PLANS')
    .option('-c, --concurrency <moves>', "moves at once (default: the plans' own)", atLeastOne)
    .option(
      '--metrics-port <port>',
      'REHOME_METRICS_PORT: answer /metrics, /healthz and /readyz there; 0: any that is free',
      integer,
    )
    .action(async (files: string[], flags: WorkerFlags) => {
      const plans = await loadPlans(planFiles(files))
      const log = createLog()
      const { concurrency } = flags
      const worker = await rehome.startWorker({ plans, concurrency, log, probe: probeOf(flags) })
      if (worker.probeUrl) print(worker.probeUrl)
      const signal = await untilStopped()
      note(`${signal}: returning moves before their cutover to the queue, finishing the others`)
      await worker.close()
    })
}

interface WorkerFlags {
  concurrency?: number
  metricsPort?: number
}

/** They have no token, so other machines reach them only where REHOME_METRICS_HOST allows it. */
function probeOf({ metricsPort }: WorkerFlags): { host: string; port: number } | undefined {
  const { REHOME_METRICS_PORT, REHOME_METRICS_HOST } = process.env
  const port = metricsPort ?? (REHOME_METRICS_PORT ? integer(REHOME_METRICS_PORT) : undefined)
  return port === undefined ? undefined : { host: REHOME_METRICS_HOST || '127.0.0.1', port }
}

function planFiles(files: readonly string[]): readonly string[] {
  const named = namedPlans(files)
  if (named.length > 0) return named
  throw new RehomeError('USAGE', 'name a plan file, or set REHOME_PLANS')
}

/** Those of the command line, else those of REHOME_PLANS. */
export function namedPlans(files: readonly string[]): readonly string[] {
  if (files.length > 0) return files
  const named = (process.env.REHOME_PLANS ?? '').split(',').map((file) => file.trim())
  return named.filter((file) => file !== '')
}
