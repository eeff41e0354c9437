import type { Command } from 'commander'
import type { ErrandOptions } from '../coordinator/errand-choice.ts'
import type { Price } from '../coordinator/price.ts'
import type { Library } from '../coordinator/rehome.ts'
import { type AskedErrand, askedErrands, askedTerms } from '../errands.ts'
import { RehomeError } from '../errors.ts'
import {
  atLeastOne,
  awaitErrands,
  jsonText,
  note,
  print,
  printNames,
  withRehome,
} from './context.ts'
import { addChoice, type ChoiceFlags, choiceOf, passedOverText } from './fleet/choice.ts'
import { step } from './next-steps.ts'
import { safe } from './print.ts'

interface ErrandFlags extends ChoiceFlags {
  all?: boolean
  wave?: number
  discardWrites?: boolean
  dryRun?: boolean
  wait?: boolean
  json?: boolean
  reason?: string
}

type Asked = Omit<ErrandOptions, 'by'> & { readonly discardWrites?: boolean | undefined }

/** A command for each errand of chosen tenants, which a worker carries out. */
export function addErrands(program: Command): void {
  for (const name of askedErrands) {
    const command = errand(program, name)
    if (name === 'rollback')
      command.option('--discard-writes', 'give up what was written at the target since the cutover')
  }
}

function errand(program: Command, name: AskedErrand): Command {
  const described = program.command(`${name} <run>`).description(askedTerms[name].command)
  return addChoice(described)
    .option('--all', 'every tenant of the run for which it is possible now')
    .option('--reason <text>', 'why; kept with the request in the log of events')
    .option('--wave <number>', 'only tenants of this wave of the run', atLeastOne)
    .option('--dry-run', 'only list the tenants, and show what it would cost')
    .option('--no-wait', 'return once it is enqueued, without waiting for its end')
    .option('--json', 'as JSON; returns once it is enqueued')
    .action(async (runId: string, flags: ErrandFlags) => {
      process.exitCode = await withRehome((rehome) => carryOut(rehome, name, { runId, flags }))
    })
}

async function carryOut(
  rehome: Library,
  name: AskedErrand,
  { runId, flags }: { runId: string; flags: ErrandFlags },
): Promise<number> {
  const request = await askedBy(name, flags)
  const price = await rehome.price(runId, { ...request, errand: name })
  if (!flags.json && request.all) tell(price)
  const prints = !flags.json && (flags.dryRun || !flags.wait)
  const onTenants = prints ? printNames : undefined
  const options = { ...request, dryRun: flags.dryRun, onPassedOver, onTenants }
  const reached = await rehome[name](runId, options)
  const next = flags.dryRun || reached.count === 0 ? [] : [step('status', runId, '--watch')]
  if (flags.json) print(jsonText({ ...price, ...reached, nextSteps: next }))
  else if (reached.count === 0) print(`no tenant to ${name}`)
  else if (!prints)
    return await awaitErrands(rehome, runId, {
      ...reached,
      errand: name === 'retry' ? 'move' : name,
    })
  return 0
}

async function askedBy(name: AskedErrand, flags: ErrandFlags): Promise<Asked> {
  const { tenants, percent, where, limit } = await choiceOf(flags)
  const { discardWrites, reason, wave } = flags
  const chooses = [percent, where, limit, wave].some((choice) => choice !== undefined)
  const all = flags.all ?? chooses
  if (!tenants && !all && name !== 'retry') {
    throw new RehomeError('USAGE', 'name the tenants with --tenant, or choose --all of the run')
  }
  return { tenants, percent, where, limit, wave, discardWrites, reason, ...(all && { all }) }
}

/** The price comes first, so that it is read before the errands begin. */
function tell({ costs, passedOver }: Price): void {
  for (const cost of costs) note(cost)
  const states = passedOverText(passedOver)
  if (states !== '') note(`passed over: ${states}`)
}

function onPassedOver(_tenant: string, reason: string): void {
  note(`passed over: ${safe(reason, 1000)}`)
}
