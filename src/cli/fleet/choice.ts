/** Options that choose tenants: by name, from a file, by a share, by a number. */
import { readFile } from 'node:fs/promises'
import { text } from 'node:stream/consumers'
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
  const { percent, where, limit } = flags
  const listed = flags.tenants === undefined ? [] : await tenantsIn(flags.tenants)
  const named = [...(flags.tenant ?? []), ...listed]
  return { tenants: named.length > 0 ? [...new Set(named)] : undefined, percent, where, limit }
}

async function tenantsIn(file: string): Promise<string[]> {
  const content = await (file === '-' ? text(process.stdin) : readFile(file, 'utf8')).catch(
    (error: unknown) => {
      const message = `the file of tenants "${file}" cannot be read`
      throw new RehomeError('USAGE', message, { cause: error })
    },
  )
  const tenants = content.split(/\r?\n/).filter((line) => line !== '')
  // No tenant is another choice than all of them.
  if (tenants.length === 0) throw new RehomeError('USAGE', `"${file}" names no tenant`)
  return tenants
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
