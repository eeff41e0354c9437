/** Tries a statement again while its lock is taken, so that queries do not queue behind it. */
import { sleep } from '../../../clock.ts'
import { sqlStateOf, toRehomeError } from '../../../postgres.ts'
import type { SchemaSession } from './session.ts'

/** Lock not available, deadlock, conflict of snapshots. */
const passing = /^(55P03|40P01|40001)$/
const longestRestMs = 30_000

/** The thing that was to be made is not there yet, and may be after another attempt. */
export class NotYet extends Error {}

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
      if (!passes || number >= timing.attempts) throw error
      const restMs = Math.min(timing.backoffMs * 2 ** (number - 1), longestRestMs)
      await sleep(restMs * (0.75 + Math.random() / 2), signal)
    }
  }
}
