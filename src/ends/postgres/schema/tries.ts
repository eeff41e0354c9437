/** Tries a statement again while its lock is taken, so that queries do not queue behind it. */
import { sleep } from '../../../clock.ts'
import { messageOf, RehomeError } from '../../../errors.ts'
import { sqlStateOf, toRehomeError } from '../../../postgres.ts'
import type { LockWatch } from './lock-watch.ts'
import type { SchemaSession } from './session.ts'

/** Lock not available, deadlock, conflict of snapshots. */
const passing = /^(55P03|40P01|40001)$/
const longestRestMs = 30_000

/** The thing that was to be made is not there yet, and may be after another attempt. */
export class NotYet extends Error {}

/** The last error of several attempts. */
export class GaveUp extends Error {
  readonly attempts: number

  constructor(cause: unknown, attempts: number) {
    super(`${messageOf(cause)}, in each of ${attempts} attempts`, { cause })
    this.attempts = attempts
  }
}

/** Adds which sessions had the lock: the server's own message names none. */
export function withBlockers(error: unknown, watch: LockWatch): unknown {
  const blockers = sqlStateOf(error) === '55P03' ? watch.blockers() : null
  if (blockers === null) return error
  return new Error(`${messageOf(error)}: ${blockers} had the lock`, { cause: error })
}

/** Returns what the attempt returns, and how many there were. Throws the last error. */
export async function tried<T>(
  { timing, signal, end }: SchemaSession,
  attempt: (number: number) => Promise<T>,
): Promise<{ readonly result: T; readonly attempts: number }> {
  for (let number = 1; ; number += 1) {
    signal?.throwIfAborted()
    try {
      return { result: await attempt(number), attempts: number }
    } catch (error) {
      const { code } = toRehomeError(error, end.place)
      // A backfill that meets a tenant that is being moved waits for the end of its pause.
      const isPassing = passing.test(sqlStateOf(error) ?? '') || code === 'FENCE_HELD'
      const passes = isPassing || error instanceof NotYet
      if (!passes || number >= timing.attempts) {
        throw number === 1 || error instanceof RehomeError ? error : new GaveUp(error, number)
      }
      const restMs = Math.min(timing.backoffMs * 2 ** (number - 1), longestRestMs)
      await sleep(restMs * (0.75 + Math.random() / 2), signal)
    }
  }
}
