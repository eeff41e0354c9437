import type { Command } from 'commander'
import type { Rehome } from '../coordinator/rehome.ts'
import { RehomeError } from '../errors.ts'
import { awaitErrands, note, print, withRehome } from './context.ts'
import { safe } from './print.ts'

interface ErrandFlags {
  tenant?: string[]
  discardWrites?: boolean
  dryRun?: boolean
  wait?: boolean
}

/** retry, rollback, finalize and cleanup: asked for single tenants, carried out by a worker. */
export function addErrands(program: Command): void {
  errand(program, 'retry', 'try failed tenants again (default: all failed ones of the run)', {
    ask: (rehome, runId, { tenant: tenants, dryRun }) => rehome.retry(runId, { tenants, dryRun }),
  })
  errand(program, 'rollback', 'bring tenants back, or call their moves off', {
    ask: (rehome, runId, { discardWrites, dryRun, ...flags }) =>
      rehome.rollback(runId, { tenants: named(flags), discardWrites, dryRun, onPassedOver }),
  }).option('--discard-writes', 'give up what was written at the target since the cutover')
  errand(program, 'finalize', 'end the rollback window before its time', {
    ask: (rehome, runId, { dryRun, ...flags }) =>
      rehome.finalize(runId, { tenants: named(flags), dryRun }),
  })
  errand(program, 'cleanup', 'remove the copy at the end that the tenant has left', {
    ask: (rehome, runId, { dryRun, ...flags }) =>
      rehome.cleanup(runId, { tenants: named(flags), dryRun }),
  })
}

type Ask = (rehome: Rehome, runId: string, flags: ErrandFlags) => Promise<string[]>

function errand(program: Command, name: string, what: string, { ask }: { ask: Ask }): Command {
  return program
    .command(`${name} <run>`)
    .description(what)
    .option('-t, --tenant <id...>', 'which tenants')
    .option('--dry-run', 'only list the tenants')
    .option('--no-wait', 'return once it is enqueued, without waiting for its end')
    .action(async (runId: string, flags: ErrandFlags) => {
      process.exitCode = await withRehome(async (rehome) => {
        const tenants = await ask(rehome, runId, flags)
        if (flags.dryRun || tenants.length === 0 || !flags.wait) {
          const text = tenants.map((tenant) => safe(tenant)).join('\n')
          print(tenants.length === 0 ? `no tenant to ${name}` : text)
          return 0
        }
        return await awaitErrands(rehome, runId, tenants)
      })
    })
}

function onPassedOver(_tenant: string, reason: string): void {
  note(`passed over: ${safe(reason, 1000)}`)
}

function named({ tenant }: ErrandFlags): string[] {
  if (tenant) return tenant
  throw new RehomeError('USAGE', 'name the tenants with --tenant')
}
