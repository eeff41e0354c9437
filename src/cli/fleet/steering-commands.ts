/** Commands that steer runs while they are under way. */
import type { Command } from 'commander'
import { RehomeError } from '../../errors.ts'
import { atLeastOne, jsonText, print, withRehome } from '../context.ts'
import { safe } from '../print.ts'
import { choiceOf } from './choice.ts'

interface SteerFlags {
  tenant?: string[]
  tenants?: string
  all?: boolean
  wave?: number
  finish?: boolean
  reason?: string
  dryRun?: boolean
  json?: boolean
}

export function addSteering(program: Command): void {
  withWave(
    steering(program, 'pause', 'begin no move of the run, or of some tenants; see `rehome resume`'),
  )
    .option('--finish', 'let moves under way end (default: those before their cutover give up)')
    .action(pause)
  withWave(steering(program, 'resume', 'go on with a run, or with some tenants of it'))
    .option('--all', 'also with tenants that were paused by themselves')
    .action(resume)
  withWave(steering(program, 'cancel', 'call moves off: before their cutover back to the source'))
    .option('--all', 'every open move of the run')
    .action(cancel)
  steering(program, 'skip', 'leave tenants out that have not begun, or have failed').action(skip)
  addApprove(program)
  addPriority(program)
  addConcurrency(program)
}

function withWave(command: Command): Command {
  return command.option('--wave <number>', 'only tenants of this wave', atLeastOne)
}

function steering(program: Command, name: string, what: string): Command {
  return program
    .command(`${name} <run>`)
    .description(what)
    .option('-t, --tenant <id...>', 'only these tenants')
    .option('--tenants <file>', 'only those of a file, one a line; - reads standard input')
    .option('--reason <text>', 'kept with the events')
    .option('--dry-run', 'only list the tenants')
    .option('--json', 'as JSON')
}

async function pause(runId: string, flags: SteerFlags): Promise<void> {
  const { tenants } = await choiceOf(flags)
  const waiting = await withRehome((rehome) => rehome.pause(runId, { ...flags, tenants }))
  if (flags.json) return print(jsonText({ tenants: waiting }))
  print(`${waiting.length} tenant(s) wait until they are resumed`)
}

async function resume(runId: string, flags: SteerFlags): Promise<void> {
  const { tenants } = await choiceOf(flags)
  const moving = await withRehome((rehome) => rehome.resume(runId, { ...flags, tenants }))
  if (flags.json) return print(jsonText({ tenants: moving }))
  print(`${moving.length} tenant(s) go on`)
}

async function cancel(runId: string, flags: SteerFlags): Promise<void> {
  const { tenants } = await choiceOf(flags)
  if (!tenants && !flags.all && flags.wave === undefined) {
    throw new RehomeError('USAGE', 'name the tenants with --tenant, or choose --all of the run')
  }
  const ends = await withRehome((rehome) => rehome.cancel(runId, { ...flags, tenants }))
  if (flags.json) return print(jsonText(ends))
  print(`${ends.calledOff.length} tenant(s) had not begun and are called off`)
  print(`${ends.takenBack.length} tenant(s) stay at the source; what was copied is removed`)
  print(`${ends.forward.length} tenant(s) are past their cutover and go on`)
}

async function skip(runId: string, flags: SteerFlags): Promise<void> {
  const { tenants } = await choiceOf(flags)
  if (!tenants) throw new RehomeError('USAGE', 'name the tenants with --tenant')
  const skipped = await withRehome((rehome) => rehome.skip(runId, { ...flags, tenants }))
  if (flags.json) return print(jsonText({ tenants: skipped }))
  print(skipped.map((tenant) => safe(tenant)).join('\n'))
}

function addApprove(program: Command): void {
  program
    .command('approve <run>')
    .description('approve the current wave of a run, so that the next one begins')
    .option('--override', 'also without what its gates and its soak ask for')
    .option('--wave <number>', 'refuse if another wave is the current one', atLeastOne)
    .option('--reason <text>', 'kept with the events')
    .option('--dry-run', 'only say which wave it is')
    .option('--json', 'as JSON')
    .action(async (runId: string, flags: SteerFlags & { override?: boolean }) => {
      const wave = await withRehome((rehome) => rehome.approve(runId, flags))
      print(flags.json ? jsonText({ wave }) : `run ${runId}: wave ${wave}`)
    })
}

const priorities = ['first', 'normal', 'last'] as const

function addPriority(program: Command): void {
  program
    .command('priority <run> <place>')
    .description('move the tenants of a run before or after those of others: first, normal, last')
    .option('--reason <text>', 'kept with the events')
    .option('--dry-run', 'only check that the run exists')
    .action(async (runId: string, place: string, flags: SteerFlags) => {
      const { reason, dryRun } = flags
      const priority = placeNamed(place)
      await withRehome((rehome) => rehome.prioritize(runId, { priority, reason, dryRun }))
      print(`run ${runId}: ${priority}`)
    })
}

export function placeNamed(text: string): (typeof priorities)[number] {
  const found = priorities.find((place) => place === text)
  if (found) return found
  throw new RehomeError('USAGE', `"${text}" is no priority: write first, normal or last`)
}

function addConcurrency(program: Command): void {
  program
    .command('concurrency [moves]')
    .description('moves at once over all workers and runs; `none` lifts the limit')
    .option('--dry-run', 'only check the number')
    .option('--json', 'as JSON')
    .action(async (text: string | undefined, flags: SteerFlags) => {
      const most = await withRehome(async (rehome) => {
        if (text === undefined) return await rehome.movesAtOnce()
        const wanted = text === 'none' ? null : atLeastOne(text)
        if (!flags.dryRun) await rehome.limitMoves(wanted)
        return wanted
      })
      if (flags.json) return print(jsonText({ movesAtOnce: most }))
      print(most === null ? 'no limit: as many as the workers take' : `${most} move(s) at once`)
    })
}
