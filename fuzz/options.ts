/** Options of the fuzzer's command line. */
import { z } from 'zod'
import { readGiven, runOptions, wholeNumber } from '../dev/run-options.ts'

export interface FuzzOptions {
  readonly minutes: number
  readonly seed: number
  /** Only this case of the seed. */
  readonly case: number | null
  readonly json: boolean
}

const given = z.strictObject({ ...runOptions, case: wholeNumber('case').nullable().default(null) })

/** Throws an Error of one line where they are wrong. Without a seed it draws one. */
export function readOptions(args: readonly string[]): FuzzOptions {
  return readGiven(args, given)
}

/** The command that runs one case again: the same schemas, rows and story. */
export function commandOf({ seed, number }: { seed: number; number: number }): string {
  return `npm run fuzz -- --seed ${seed} --case ${number}`
}
