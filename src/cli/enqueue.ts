import type { Command } from 'commander'
import { awaitErrands, print, withRehome } from './context.ts'
import { loadPlan } from './load-plan.ts'
import { safe } from './print.ts'

export function addEnqueue(program: Command): void {
  program
    .command('enqueue <plan>')
    .description('make a run of the plan: one job a tenant')
    .option('-t, --tenant <id...>', 'only these tenants (default: all of the plan)')
    .option('--dry-run', 'check everything and name the tenants, but enqueue nothing')
    .option('--wait', 'until every move has ended')
    .option('--json', 'as JSON')
    .action(enqueue)
}

interface EnqueueFlags {
  tenant?: string[]
  dryRun?: boolean
  wait?: boolean
  json?: boolean
}

async function enqueue(file: string, flags: EnqueueFlags): Promise<void> {
  const plan = await loadPlan(file)
  process.exitCode = await withRehome(async (rehome) => {
    const { runId, tenants } = await rehome.enqueue(plan, {
      tenants: flags.tenant,
      dryRun: flags.dryRun,
    })
    if (flags.json) print(JSON.stringify({ runId, tenants }))
    else if (runId === null) print(tenants.map((tenant) => safe(tenant)).join('\n'))
    else print(`run ${runId}: ${tenants.length} tenant(s)`)
    return flags.wait && runId !== null ? await awaitErrands(rehome, runId, tenants) : 0
  })
}
