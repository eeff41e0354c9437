// Waits for something to become true, in place of sleeping and hoping.
import { setTimeout as delay } from 'node:timers/promises'

/** From the first wait to the longest one: most wait for a moment, and the others cost less so. */
const [FIRST_MS, LONGEST_MS, GROWTH] = [10, 100, 1.4]

/**
 * Calls `check` until it no longer throws, and resolves with what it returned. After `withinMs` it
 * rejects with what `check` threw last: by default shortly before a test ends, since a machine may
 * be slow; where the time itself is what is tested, it is given.
 */
export async function eventually<T>(
  check: () => T | Promise<T>,
  { withinMs = 50_000 }: { withinMs?: number } = {},
): Promise<T> {
  const deadline = performance.now() + withinMs
  for (let waitMs = FIRST_MS; ; waitMs = Math.min(waitMs * GROWTH, LONGEST_MS)) {
    try {
      return await check()
    } catch (error) {
      if (performance.now() > deadline) throw error
    }
    await delay(waitMs)
  }
}
