/**
 * The context of every command: where it writes, what it may start, and how it opens the library.
 */

import { now, sleep } from '../clock.ts'
import type { Move } from '../control/database.ts'
import { errandStates, type Reached } from '../control/run-moves.ts'
import { pausedQueues } from '../coordinator/notices.ts'
import { type Library, openLibrary } from '../coordinator/rehome.ts'
import { termsOf } from '../errands.ts'
import { errorCodes, messageOf, RehomeError } from '../errors.ts'
import { isKeyOf } from '../known.ts'
import type { Logger } from '../log.ts'
import type { PlanInput } from '../plan/plan.ts'
import { safe } from './print.ts'

export interface StartedWorker {
  readonly queue: string
  readonly probeUrl: string | null
  close(): Promise<void>
}

/**
 * This package as scripts import it. It lies above this folder, as the worker in jobs/ does, so
 * whatever starts the command line hands it in. Plans get it when they import `rehome`.
 */
export interface PackageModule {
  startWorker(options: {
    plans: readonly PlanInput[]
    concurrency?: number | undefined
    probe?: { host: string; port: number } | undefined
    log: Logger
  }): Promise<StartedWorker>
}

export function print(text: string): void {
  process.stdout.write(`${text}\n`)
}

export function note(text: string): void {
  process.stderr.write(`${text}\n`)
}

export async function withRehome<T>(work: (rehome: Library) => Promise<T>): Promise<T> {
  await using rehome = await openLibrary()
  return await work(rehome)
}

/** One line, or one for each mistake of a plan, and the exit code that docs/cli.md promises. */
export function reportError(error: unknown): number {
  if (error instanceof RehomeError) {
    const { issues } = error.data
    if (error.code === 'PLAN_INVALID' && Array.isArray(issues) && issues.length > 1) {
      note(`rehome: PLAN_INVALID: ${issues.length} mistakes`)
      for (const issue of issues) note(`  ${messageOf(issue)}`)
    } else note(`rehome: ${error.code}: ${messageOf(error)}`)
    return error.exitCode
  }
  note(`rehome: UNEXPECTED: ${messageOf(error)}`)
  return 1
}

export function printNames(tenants: readonly string[]): void {
  print(tenants.map((tenant) => safe(tenant)).join('\n'))
}

/**
 * Waits until the errands of these tenants are over, prints how each ended, and returns the exit
 * code: 0, or that of the first error. Of more tenants than were named it waits for all whose last
 * errand is this one, and prints how many ended how.
 */
export async function awaitErrands(
  rehome: Library,
  runId: string,
  { count, tenants, errand = 'move' }: Reached & { readonly errand?: Move['errand'] },
): Promise<number> {
  const hint = setTimeout(() => void whyWaiting(rehome, runId).then(note), 10_000)
  try {
    if (count > tenants.length) return await awaitAll(rehome, runId, errand)
    const chosen = new Set(tenants)
    for await (const { moves } of rehome.watch(runId)) {
      const own = moves.filter((move) => chosen.has(move.tenant_id))
      if (own.some((move) => move.open && !termsOf(move.errand).yields)) continue
      for (const move of own) print(outcomeText(move))
      return exitCodeOf(own)
    }
    return 1
  } finally {
    clearTimeout(hint)
  }
}

/** Looks less often where looks take long. */
async function awaitAll(
  { control }: Pick<Library, 'control'>,
  runId: string,
  errand: Move['errand'],
): Promise<number> {
  for (;;) {
    const began = now()
    const states = await errandStates(control, runId, errand)
    if (!states.some(({ open }) => open)) {
      for (const { phase, code, tenants } of states) {
        print(`${tenants} tenant(s): ${phase}${code === null ? '' : `, ${code}`}`)
      }
      return exitCodeOf(states.map(({ code }) => ({ error_code: code })))
    }
    await sleep(Math.max(1_000, 10 * (now() - began)))
  }
}

/** The most likely reason why a run does not begin. */
export async function whyWaiting(
  { queues, ...more }: Pick<Library, 'queues'> & Partial<Pick<Library, 'control' | 'notices'>>,
  runId = '',
): Promise<string> {
  const reading = more.notices ? more.notices(runId) : pausedQueues({ ...more, queues })
  const reasons = await reading.catch(() => [])
  if (reasons.length === 0) return 'waiting; is a worker running? (`rehome worker PLAN`)'
  return `waiting; ${reasons.join('; ')}`
}

/**
 * JSON without the values that open or change an end: they are not for logs and terminals. Control
 * characters of a hostile tenant id are escaped, as JSON allows, so that no terminal obeys them.
 */
export function jsonText(value: unknown, indent?: number): string {
  const secret = (key: string) => key === 'token' || key === 'epoch'
  const text = JSON.stringify(value, (key, part) => (secret(key) ? undefined : part), indent)
  return text.replace(/(?!\n)[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, escaped)
}

function escaped(character: string): string {
  const units = Array.from({ length: character.length }, (_, i) => character.charCodeAt(i))
  return units.map((unit) => `\\u${unit.toString(16).padStart(4, '0')}`).join('')
}

function outcomeText(move: Move): string {
  const error = move.error_code === null ? '' : ` · ${move.error_code}: ${move.error_message}`
  return safe(`${move.tenant_id}: ${move.phase}${error}`, 1000)
}

export function exitCodeOf(moves: readonly Pick<Move, 'error_code'>[]): number {
  const failed = moves.find((move) => move.error_code !== null)
  if (!failed) return 0
  const code = failed.error_code ?? ''
  return isKeyOf(errorCodes, code) ? errorCodes[code].exitCode : 1
}

export function atLeastOne(text: string): number {
  const value = integer(text)
  if (value > 0) return value
  throw new RehomeError('USAGE', `"${text}" is too small: the minimum is 1`)
}

export function integer(text: string): number {
  const value = Number(text)
  if (Number.isSafeInteger(value) && value >= 0) return value
  throw new RehomeError('USAGE', `"${text}" is not a whole number`)
}
