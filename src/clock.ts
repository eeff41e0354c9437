/** Waiting and measuring. Times between two points come from the monotonic clock, in ms. */
import { setTimeout as delay } from 'node:timers/promises'

export function now(): number {
  return performance.now()
}

export async function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  await delay(ms, undefined, signal ? { signal } : undefined)
}

export function round(ms: number): number {
  return Math.round(ms * 10) / 10
}

const longestRestMs = 1_000

/** Rests after so much work, for a second at most, so that the work has this share of the time. */
export async function restAfter(
  workedMs: number,
  { share, signal }: { readonly share: number; readonly signal?: AbortSignal | undefined },
): Promise<void> {
  if (share < 1) await sleep(Math.min(workedMs * (1 / share - 1), longestRestMs), signal)
}
