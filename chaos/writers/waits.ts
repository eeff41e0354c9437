/**
 * How long writers waited for an answer, whatever it was: a statement that hangs is no refusal, so
 * no pause shows it. The time in which a writer thought between two statements does not count.
 */
import type { EndName } from '../../demo/application/ledger.ts'

export interface Wait {
  readonly tenant: string
  readonly end: EndName
  /** The start, by performance.now(). */
  readonly fromMs: number
  readonly toMs: number
  /** The part of that time that was the writer's own. */
  readonly thoughtMs: number
  /** The answer. */
  readonly answer: string
  /** The answer was that the tenant does not live there. */
  readonly isAway: boolean
}

/** Somebody who kept a writer waiting for longer than a second, as a look at an end has seen it. */
interface Seen {
  readonly end: EndName
  readonly atMs: number
  readonly session: string
}

export class Waits {
  /** The start, by performance.now(). */
  readonly startMs = performance.now()
  readonly #long: Wait[] = []
  readonly #seen: Seen[] = []
  #longestMs = 0

  get longestMs(): number {
    return this.#longestMs
  }

  add(wait: Wait): void {
    const waitedMs = waitedMsOf(wait)
    this.#longestMs = Math.max(this.#longestMs, waitedMs)
    if (waitedMs > keptMsMin) this.#long.push(wait)
  }

  /** Tells that writers at this end wait for this session. */
  see(end: EndName, session: string): void {
    this.#seen.push({ end, atMs: performance.now(), session })
  }

  /** Sessions that writers at its end waited for meanwhile, each once. */
  blockers({ end, fromMs, toMs }: Wait): string[] {
    const there = this.#seen.filter(
      (one) => one.end === end && one.atMs >= fromMs && one.atMs <= toMs,
    )
    return [...new Set(there.map(({ session }) => session))]
  }

  /** Those of more than a second. */
  long(): readonly Wait[] {
    return this.#long
  }
}

const keptMsMin = 1_000

export function waitedMsOf({ fromMs, toMs, thoughtMs }: Wait): number {
  return toMs - fromMs - thoughtMs
}
