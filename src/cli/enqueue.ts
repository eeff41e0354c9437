import type { Command } from 'commander'
import type { Enqueued } from '../coordinator/enqueue.ts'
import type { RunWave } from '../plan/waves.ts'
import { awaitErrands, jsonText, note, print, withRehome } from './context.ts'
import { addChoice, type ChoiceFlags, choiceOf, passedOverText } from './fleet/choice.ts'
import { placeNamed } from './fleet/steering-commands.ts'
import { loadPlan } from './load-plan.ts'
import { safe } from './print.ts'

export function addEnqueue(program: Command): void {
  const command = program
    .command('enqueue <plan>')
    .description('make a run of the plan: one job a tenant (default: all that have not moved)')
  addChoice(command)
    .option('--priority <place>', 'first, normal or last among the moves of all runs', placeNamed)
    .option('--dry-run', 'check everything and name the tenants, but enqueue nothing')
    .option('--wait', 'until every move has ended')
    .option('--json', 'as JSON')
    .action(enqueue)
}

interface EnqueueFlags extends ChoiceFlags {
  dryRun?: boolean
  priority?: 'first' | 'normal' | 'last'
  wait?: boolean
  json?: boolean
}

async function enqueue(file: string, flags: EnqueueFlags): Promise<void> {
  const plan = await loadPlan(file)
  const choice = await choiceOf(flags)
  process.exitCode = await withRehome(async (rehome) => {
    const asked = { ...choice, dryRun: flags.dryRun, priority: flags.priority }
    const enqueued = await rehome.enqueue(plan, asked)
    const { runId, tenants } = enqueued
    if (flags.json) print(jsonText(enqueued))
    else tell(enqueued)
    return flags.wait && runId !== null ? await awaitErrands(rehome, runId, tenants) : 0
  })
}

function tell({ runId, tenants, passedOver, waves }: Enqueued): void {
  const others = passedOverText({ ...passedOver })
  if (others !== '') note(`passed over: ${others}`)
  for (const [i, wave] of waves.entries()) {
    note(`wave ${i + 1}: ${waveText(wave, waves[i + 1])}`)
  }
  if (tenants.length === 0) print('no tenant to move')
  else if (runId === null) print(tenants.map((tenant) => safe(tenant)).join('\n'))
  else print(`run ${runId}: ${tenants.length} tenant(s)`)
}

function waveText(wave: RunWave, next: RunWave | undefined): string {
  const who = `${wave.tenants} tenant(s), ${safe(wave.name)}`
  if (!next) return who
  const gates = [
    `at most ${wave.failedMax} failed`,
    ...(wave.pauseMsP99 === null ? [] : [`99 % of pauses within ${wave.pauseMsP99} ms`]),
    ...(wave.soakMs === 0 ? [] : [`a soak of ${wave.soakMs / 1000} s`]),
    ...(wave.approve ? ['a person who approves'] : []),
  ]
  return `${who}; the next wave needs ${gates.join(', ')}`
}
