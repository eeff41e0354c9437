/** What the command line of the chaos says. */
import { parseArgs } from 'node:util'
import { z } from 'zod'
import { type ChosenStrategy, strategies } from './plan.ts'
import type { Queue } from './servers.ts'

export interface ChaosOptions {
  readonly minutes: number
  readonly seed: number
  readonly queue: Queue
  readonly strategy: ChosenStrategy
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
  queue: z.enum(['redis', 'postgres'], '--queue is redis or postgres').default('postgres'),
  strategy: z.enum(strategies, '--strategy is offline, online or mixed').default('mixed'),
  json: z.boolean().default(false),
})

/** Throws an Error of one line where they are wrong. Without a seed it draws one. */
export function readOptions(args: readonly string[]): ChaosOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      minutes: { type: 'string' },
      seed: { type: 'string' },
      queue: { type: 'string' },
      strategy: { type: 'string' },
      json: { type: 'boolean' },
    },
  })
  const parsed = given.safeParse(values)
  if (!parsed.success) throw new Error(parsed.error.issues[0]?.message)
  const { seed = Math.floor(Math.random() * 1_000_000), ...rest } = parsed.data
  return { ...rest, seed }
}

/** What runs this again. */
export function commandOf({ minutes, seed, queue, strategy }: ChaosOptions): string {
  return `npm run chaos -- --minutes ${minutes} --seed ${seed} --queue ${queue} --strategy ${strategy}`
}
