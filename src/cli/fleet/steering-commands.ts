/** Commands that steer runs while they are under way. */
import type { Command } from 'commander'
import type { Cancelled } from '../../coordinator/fleet/cancel.ts'
import { RehomeError } from '../../errors.ts'
import { atLeastOne, jsonText, note, print, printNames, withRehome } from '../context.ts'
import { step } from '../next-steps.ts'
import { safe } from '../print.ts'
import { choiceOf } from './choice.ts'

interface SteerFlags {
  tenant?: string[]
  tenants?: string
  all?: boolean
  wave?: number
  finish?: boolean
  anytime?: boolean
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
  withWave(
    steering(program, 'complete', 'end the hold of moves: they cut over, or begin if offline'),
  )
    .option('--all', 'every held tenant of the run (default)')
    .option('--anytime', 'also outside the windows of their tenants')
    .action(complete)
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
    .option('--tenants <file>', 'only those of a file, one per line; - reads standard input')
    .option('--reason <text>', 'kept with the events')
    .option('--dry-run', 'only list the tenants')
    .option('--json', 'as JSON')
}

function watching(runId: string): string[] {
  return [step('status', runId, '--watch')]
}

async function pause(runId: string, flags: SteerFlags): Promise<void> {
  const { tenants } = await choiceOf(flags)
  const waiting = await withRehome((rehome) => rehome.pause(runId, { ...flags, tenants }))
  if (flags.json) return print(jsonText({ ...waiting, nextSteps: [step('resume', runId)] }))
  print(`${waiting.count} tenant(s) wait until they are resumed`)
}

async function resume(runId: string, flags: SteerFlags): Promise<void> {
  const { tenants } = await choiceOf(flags)
  const moving = await withRehome((rehome) => rehome.resume(runId, { ...flags, tenants }))
  if (flags.json) return print(jsonText({ ...moving, nextSteps: watching(runId) }))
  print(`${moving.count} tenant(s) go on`)
}

async function complete(runId: string, flags: SteerFlags): Promise<void> {
  const { tenants } = await choiceOf(flags)
  const going = await withRehome((rehome) => rehome.complete(runId, { ...flags, tenants }))
  if (flags.json) return print(jsonText({ ...going, nextSteps: watching(runId) }))
  print(`${going.count} tenant(s) are no longer held`)
}

async function cancel(runId: string, flags: SteerFlags): Promise<void> {
  const { tenants } = await choiceOf(flags)
  if (!tenants && !flags.all && flags.wave === undefined) {
    throw new RehomeError('USAGE', 'name the tenants with --tenant, or choose --all of the run')
  }
  const ends = await withRehome(async (rehome) => {
    const request = { ...flags, tenants }
    const price = await rehome.cancel(runId, { ...request, dryRun: true })
    if (flags.dryRun) return price
    if (!flags.json) note(cancelTexts(price, 'to be called off').join('; '))
    return await rehome.cancel(runId, request)
  })
  if (flags.json) return print(jsonText({ ...ends, nextSteps: watching(runId) }))
  for (const text of cancelTexts(ends, 'called off')) print(text)
}

function cancelTexts({ calledOff, takenBack, forward }: Cancelled, off: string): string[] {
  return [
    `${calledOff.count} tenant(s) had not begun and are ${off}`,
    `${takenBack.count} tenant(s) stay at the source; what was copied is removed`,
    `${forward.count} tenant(s) are past their cutover and go on`,
  ]
}

async function skip(runId: string, flags: SteerFlags): Promise<void> {
  const { tenants } = await choiceOf(flags)
  if (!tenants) throw new RehomeError('USAGE', 'name the tenants with --tenant')
  const onTenants = flags.json ? undefined : printNames
  const options = { ...flags, tenants, onTenants }
  const skipped = await withRehome((rehome) => rehome.skip(runId, options))
  if (flags.json) print(jsonText({ ...skipped, nextSteps: watching(runId) }))
}

function addApprove(program: Command): void {
  program
    .command('approve <run>')
    .description('approve the current wave of a run, so that the next one begins')
    .option('--override', 'also before its gates are open and its soak is over')
    .option('--wave <number>', 'refuse if another wave is the current one', atLeastOne)
    .option('--reason <text>', 'kept with the events')
    .option('--dry-run', 'only show which wave it is')
    .option('--json', 'as JSON')
    .action(async (runId: string, flags: SteerFlags & { override?: boolean }) => {
      const wave = await withRehome((rehome) => rehome.approve(runId, flags))
      const nextSteps = watching(runId)
      print(flags.json ? jsonText({ wave, nextSteps }) : `run ${runId}: wave ${wave}`)
    })
}

const priorities = ['first', 'normal', 'last'] as const

function addPriority(program: Command): void {
  program
    .command('priority <run> <place>')
    .description('move the tenants of a run before or after those of others: first, normal, last')
    .option('--reason <text>', 'kept with the events')
    .option('--dry-run', 'only check that the run exists')
    .option('--json', 'as JSON')
    .action(async (runId: string, place: string, flags: SteerFlags) => {
      const { reason, dryRun } = flags
      const priority = placeNamed(place)
      await withRehome((rehome) => rehome.prioritize(runId, { priority, reason, dryRun }))
      const nextSteps = watching(runId)
      print(flags.json ? jsonText({ priority, nextSteps }) : `run ${runId}: ${priority}`)
    })
}

export function placeNamed(text: string): (typeof priorities)[number] {
  const priority = priorities.find((place) => place === text)
  if (priority) return priority
  throw new RehomeError('USAGE', `"${text}" is no priority: write first, normal or last`)
}

function addConcurrency(program: Command): void {
  program
    .command('concurrency [moves]')
    .description('moves at once over all workers and runs; `none` lifts the limit')
    .option('--server <host:port>', 'moves at once there, at either end')
    .option('--dry-run', 'only check the number')
    .option('--json', 'as JSON')
    .action(async (text: string | undefined, flags: SteerFlags & { server?: string }) => {
      const { server, dryRun } = flags
      const limit = text === undefined || text === 'none' ? null : atLeastOne(text)
      const [movesAtOnce, servers] = await withRehome(async (rehome) => {
        if (text !== undefined && !dryRun) await rehome.limitMoves(limit, { server })
        const now = [await rehome.movesAtOnce(), await rehome.serverLimits()] as const
        if (text === undefined || !dryRun) return now
        return server === undefined ? ([limit, now[1]] as const) : now
      })
      if (flags.json) return print(jsonText({ movesAtOnce, servers, nextSteps: [] }))
      print(movesAtOnce === null ? noLimit : `${movesAtOnce} move(s) at once`)
      for (const [name, most] of Object.entries(servers)) {
        print(`${most} move(s) at once at server ${safe(name)}`)
      }
    })
}

const noLimit = 'no limit: as many as the workers take'
