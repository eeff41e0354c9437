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
