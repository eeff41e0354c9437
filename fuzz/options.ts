/** What the command line of the fuzzer says. */
import { parseArgs } from 'node:util'
import { z } from 'zod'

export interface FuzzOptions {
  readonly minutes: number
  readonly seed: number
  /** Only this case of the seed. */
  readonly case: number | null
  readonly json: boolean
}

const given = z.strictObject({
  minutes: z.coerce
    .number('--minutes is a number')
    .positive('--minutes is more than 0')
    .max(1440, '--minutes is at most 1440')
    .default(1),
  seed: z.coerce
    .number('--seed is a number')
    .int('--seed is a whole number')
    .min(0, '--seed is not negative')
    .optional(),
  case: z.coerce
    .number('--case is a number')
    .int('--case is a whole number')
    .min(0, '--case is not negative')
    .optional(),
  json: z.boolean().default(false),
})

/** Throws an Error of one line where they are wrong. Without a seed it draws one. */
export function readOptions(args: readonly string[]): FuzzOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      minutes: { type: 'string' },
      seed: { type: 'string' },
      case: { type: 'string' },
      json: { type: 'boolean' },
    },
  })
  const parsed = given.safeParse(values)
  if (!parsed.success) throw new Error(parsed.error.issues[0]?.message)
  const { seed = Math.floor(Math.random() * 1_000_000), case: only = null, ...rest } = parsed.data
  return { ...rest, seed, case: only }
}

/** What runs one case again: the same schemas, rows and story. */
export function commandOf({ seed, number }: { seed: number; number: number }): string {
  return `npm run fuzz -- --seed ${seed} --case ${number}`
}
