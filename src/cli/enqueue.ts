import type { Command } from 'commander'
import type { Enqueued } from '../coordinator/enqueue.ts'
import type { RunHold } from '../coordinator/run-holds.ts'
import type { SchemaStep } from '../coordinator/schema/change-schema.ts'
import { RehomeError } from '../errors.ts'
import { awaitErrands, jsonText, note, print, printNames, withRehome } from './context.ts'
import { addChoice, type ChoiceFlags, passedOverText, streamedChoiceOf } from './fleet/choice.ts'
import { waveTexts } from './fleet/schedule-text.ts'
import { placeNamed } from './fleet/steering-commands.ts'
import { loadPlan } from './load-plan.ts'
import { step } from './next-steps.ts'
import { stepText } from './schema/change.ts'

export function addEnqueue(program: Command): void {
  const command = program
    .command('enqueue <plan>')
    .description('make a run of the plan: one job per tenant (default: all that have not moved)')
  addChoice(command)
    .option('--priority <place>', 'first, normal or last among the moves of all runs', placeNamed)
    .option('--until <phase>', 'verify: hold moves before their cutover until `rehome complete`')
    .option('--complete-after <moment>', 'the same until a date and time with its zone')
    .option('--dry-run', 'check everything and name the tenants, but enqueue nothing')
    .option('--wait', 'until every move has ended')
    .option('--json', 'as JSON')
    .action(enqueue)
}

interface EnqueueFlags extends ChoiceFlags {
  dryRun?: boolean
  priority?: 'first' | 'normal' | 'last'
  until?: string
  completeAfter?: string
  wait?: boolean
  json?: boolean
}

async function enqueue(file: string, flags: EnqueueFlags): Promise<void> {
  const plan = await loadPlan(file)
  const choice = await streamedChoiceOf(flags)
  process.exitCode = await withRehome(async (rehome) => {
    const onSchemaStep = (step: SchemaStep) => note(stepText(step))
    const { dryRun, priority, completeAfter } = flags
    const hold = { completeAfter, until: untilOf(flags) }
    const request = { ...choice, ...hold, dryRun, priority, onSchemaStep }
    const onTenants = flags.json ? undefined : printNames
    const enqueued = await rehome.enqueue(plan, { ...request, onTenants })
    const { runId } = enqueued
    const nextSteps = runId === null ? [] : [step('status', runId, '--watch')]
    if (flags.json) print(jsonText({ ...enqueued, nextSteps }))
    else tell(enqueued)
    return flags.wait && runId !== null ? await awaitErrands(rehome, runId, enqueued) : 0
  })
}

function untilOf({ until }: EnqueueFlags): 'verify' | undefined {
  if (until === undefined || until === 'verify') return until
  throw new RehomeError('USAGE', `"${until}" is no place to hold moves: write --until verify`)
}

function holdTexts({ before, untilCompleted, completeAfter, windows }: RunHold): string[] {
  const early =
    before === 'cutover'
      ? 'they copy now, and are held before their cutover'
      : 'the plan is offline: nothing is copied before they begin, and they are held before that'
  const until = untilCompleted ? '`rehome complete`' : completeAfter
  return [
    ...(until === null ? [] : [`${early}, until ${until}`]),
    ...(windows ? [windowText(before, windows)] : []),
  ]
}

function windowText(
  before: RunHold['before'],
  { tenants, openNow, nextAt }: NonNullable<RunHold['windows']>,
): string {
  const what = before === 'cutover' ? 'cut over' : 'begin'
  const next = nextAt === null ? '' : `; the next one opens at ${nextAt}`
  return `${tenants} tenant(s) ${what} in windows, of which ${openNow} are open${next}`
}

function tell({ runId, count, passedOver, waves, hold, schedule }: Enqueued): void {
  const others = passedOverText({ ...passedOver })
  if (others !== '') note(`passed over: ${others}`)
  for (const text of waveTexts(waves, schedule)) note(text)
  for (const text of hold && count > 0 ? holdTexts(hold) : []) note(text)
  if (count === 0) print('no tenant to move')
  else if (runId !== null) print(`run ${runId}: ${count} tenant(s)`)
}
