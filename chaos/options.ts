/** Options of the chaos' command line. */
import { z } from 'zod'
import { readGiven, runOptions } from '../dev/run-options.ts'
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
  ...runOptions,
  queue: z.enum(['redis', 'postgres'], '--queue is redis or postgres').default('postgres'),
  strategy: z.enum(strategies, '--strategy is offline, online or mixed').default('mixed'),
})

/** Throws an Error of one line where they are wrong. Without a seed it draws one. */
export function readOptions(args: readonly string[]): ChaosOptions {
  return readGiven(args, given)
}

/** The command that runs this again. */
export function commandOf({ minutes, seed, queue, strategy }: ChaosOptions): string {
  return `npm run chaos -- --minutes ${minutes} --seed ${seed} --queue ${queue} --strategy ${strategy}`
}
