/** Options that choose tenants: by name, from a file, by a share, by a number. */
import { createReadStream } from 'node:fs'
import { access, constants } from 'node:fs/promises'
import type { Command } from 'commander'
import type { Choice } from '../../coordinator/choose.ts'
import { RehomeError } from '../../errors.ts'
import { atLeastOne } from '../context.ts'

export interface ChoiceFlags extends Choice {
  readonly tenant?: string[]
  readonly tenants?: string
}

export function addChoice(command: Command): Command {
  return command
    .option('-t, --tenant <id...>', 'only these tenants')
    .option('--tenants <file>', 'only those of a file, one per line; - reads standard input')
    .option('--percent <share>', 'only a share, stable by a hash of the tenant', share)
    .option('--where <condition>', 'only by facts of the plan: "plan = free and rows < 10000"')
    .option('--limit <tenants>', 'only so many, after others were passed over', atLeastOne)
}

export interface Chosen extends Choice {
  readonly tenants: string[] | undefined
}

/** Throws USAGE for a file that cannot be read or names no tenant. */
export async function choiceOf(flags: ChoiceFlags): Promise<Chosen> {
  const streamed = await streamedChoiceOf(flags)
  const named: string[] = []
  for await (const tenant of streamed.tenants ?? []) named.push(tenant)
  return { ...streamed, tenants: streamed.tenants && [...new Set(named)] }
}

export interface StreamedChoice extends Choice {
  readonly tenants: AsyncIterable<string> | undefined
}

/** The file is read while its tenants are. Both throw as `choiceOf` does. */
export async function streamedChoiceOf(flags: ChoiceFlags): Promise<StreamedChoice> {
  const { tenant, tenants: file, percent, where, limit } = flags
  if (file !== undefined && file !== '-') {
    await access(file, constants.R_OK).catch((error: unknown) => {
      throw unreadable(file, error)
    })
  }
  const isNamed = tenant !== undefined || file !== undefined
  return { tenants: isNamed ? namedIn(tenant ?? [], file) : undefined, percent, where, limit }
}

async function* namedIn(named: readonly string[], file: string | undefined) {
  yield* named
  if (file === undefined) return
  let isEmpty = true
  for await (const line of linesOf(file)) {
    if (line === '') continue
    isEmpty = false
    yield line
  }
  // No tenant is another choice than all of them.
  if (isEmpty) throw new RehomeError('USAGE', `"${file}" names no tenant`)
}

async function* linesOf(file: string): AsyncGenerator<string> {
  const input = file === '-' ? process.stdin : createReadStream(file)
  let rest = ''
  try {
    for await (const chunk of input.setEncoding('utf8')) {
      const lines = `${rest}${chunk}`.split('\n')
      rest = lines.pop() ?? ''
      for (const line of lines) yield line.replace(/\r$/, '')
    }
  } catch (error) {
    throw unreadable(file, error)
  }
  yield rest.replace(/\r$/, '')
}

function unreadable(file: string, error: unknown): RehomeError {
  const message = `the file of tenants "${file}" cannot be read`
  return new RehomeError('USAGE', message, { cause: error })
}

function share(text: string): number {
  const percent = Number(text)
  if (text.trim() !== '' && percent > 0 && percent <= 100) return percent
  throw new RehomeError('USAGE', `"${text}" is no share: write more than 0 and up to 100`)
}

/** `3 moved, 1 busy`. */
export function passedOverText(counts: Readonly<Record<string, number>>): string {
  return Object.entries(counts)
    .filter(([, count]) => count > 0)
    .map(([state, count]) => `${count} ${state}`)
    .join(', ')
}
