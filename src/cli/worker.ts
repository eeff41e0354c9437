import type { Command } from 'commander'
import { RehomeError } from '../errors.ts'
import { createLog } from '../log.ts'
import { atLeastOne, note, type PackageModule } from './context.ts'
import { loadPlans } from './load-plan.ts'
import { untilStopped } from './until-stopped.ts'

export function addWorker(program: Command, rehome: PackageModule): void {
  program
    .command('worker [plans...]')
    .description('carry out moves until stopped; plans default to REHOME_PLANS')
    .option('-c, --concurrency <moves>', "moves at once (default: the plans' own)", atLeastOne)
    .action(async (files: string[], flags: { concurrency?: number }) => {
      const plans = await loadPlans(planFiles(files))
      const log = createLog()
      const { concurrency } = flags
      const worker = await rehome.startWorker({ plans, concurrency, log })
      const signal = await untilStopped()
      note(`${signal}: returning moves before their cutover to the queue, finishing the others`)
      await worker.close()
    })
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
