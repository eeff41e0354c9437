// Waits for something to become true, in place of sleeping and hoping.
import { setTimeout as delay } from 'node:timers/promises'

const EVERY_MS = 20

/**
 * Calls `check` until it no longer throws, and resolves with what it returned.
 * After `withinMs` (10 s unless given) it rejects with what `check` threw last.
 */
export async function eventually<T>(
  check: () => T | Promise<T>,
  { withinMs = 10_000 }: { withinMs?: number } = {},
): Promise<T> {
  const deadline = performance.now() + withinMs
  for (;;) {
    try {
      return await check()
    } catch (error) {
      if (performance.now() > deadline) throw error
    }
    await delay(EVERY_MS)
  }
}
