/** Waits for the moves to end once all faults are over. */
import { setTimeout as delay } from 'node:timers/promises'

export interface RestMs {
  /** How long no move may end. */
  readonly untilNext: number
  /** How long all of them may take. */
  readonly untilLast: number
}

/**
 * Whether all moves have ended. On a busy machine workers take many open moves one after the
 * other, so it waits for as long as some end. `countOpen`: null where the number is unknown.
 */
export async function untilAtRest(
  countOpen: () => Promise<number | null>,
  { untilNext, untilLast }: RestMs,
): Promise<boolean> {
  const deadline = performance.now() + untilLast
  let least = Number.POSITIVE_INFINITY
  let next = performance.now() + untilNext
  while (performance.now() < Math.min(next, deadline)) {
    const open = await countOpen()
    if (open === 0) return true
    if (open !== null && open < least) {
      least = open
      next = performance.now() + untilNext
    }
    await delay(Math.min(100, untilNext / 10))
  }
  return false
}
