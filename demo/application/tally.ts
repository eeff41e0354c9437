/**
 * Counts of the application while it writes, and how long each tenant was kept from writing.
 *
 * A pause lasts from the fence's first refusal to the end of the first write that was begun after
 * it and accepted: writes that were under way when the fence rose end no pause.
 */
import type { EndName, Write, WriteKind } from './ledger.ts'

export interface Pause {
  readonly tenant: string
  readonly ms: number
  /** How often the fence said no. */
  readonly refusals: number
}

/** begun = accepted + turnedAway + unknown + all errors, once the traffic has stopped. */
export interface TrafficReport {
  readonly begun: number
  readonly accepted: number
  readonly kinds: Readonly<Record<WriteKind, number>>
  readonly ends: Readonly<Record<EndName, number>>
  /** Tries that a fence refused. */
  readonly refused: number
  /** Writes given up because their tenant was fenced. */
  readonly turnedAway: number
  /** Writes that waited for their tenant and were accepted. */
  readonly held: number
  /** The longest of those, from when their user began them to when they were accepted. */
  readonly longestWaitMs: number
  /** Tries at an end that said where the tenant lives now. */
  readonly redirected: number
  /** Tries repeated after 40001 or 40P01. */
  readonly retried: number
  /** Writes whose COMMIT was not answered. */
  readonly unknown: number
  /** SQLSTATE, or a word such as ECONNREFUSED → writes given up because of it. */
  readonly errors: Readonly<Record<string, number>>
  /** Over, in the order of their ends. */
  readonly pauses: readonly Pause[]
  /** Still going on. */
  readonly paused: readonly Pause[]
}

interface Waiting {
  readonly sinceMs: number
  refusals: number
}

export class Tally {
  begun = 0
  turnedAway = 0
  retried = 0
  redirected = 0
  unknown = 0
  #held = 0
  #longestWaitMs = 0
  #accepted = 0
  #refused = 0
  readonly #kinds = { comment: 0, edit: 0, task: 0, erase: 0 }
  readonly #ends = { source: 0, target: 0 }
  readonly #errors = new Map<string, number>()
  readonly #pauses: Pause[] = []
  readonly #waiting = new Map<string, Waiting>()

  accept(write: Write): void {
    this.#accepted += 1
    this.#kinds[write.kind] += 1
    if (write.end) this.#ends[write.end] += 1
    const waiting = this.#waiting.get(write.tenant)
    if (!waiting || write.startedMs < waiting.sinceMs) return
    this.#waiting.delete(write.tenant)
    this.#pauses.push(pauseOf(write.tenant, waiting, write.endedMs))
  }

  refuse(tenant: string): void {
    this.#refused += 1
    const waiting = this.#waiting.get(tenant) ?? { sinceMs: performance.now(), refusals: 0 }
    waiting.refusals += 1
    this.#waiting.set(tenant, waiting)
  }

  hold(ms: number): void {
    this.#held += 1
    this.#longestWaitMs = Math.max(this.#longestWaitMs, ms)
  }

  fail(code: string): void {
    this.#errors.set(code, (this.#errors.get(code) ?? 0) + 1)
  }

  report(): TrafficReport {
    const nowMs = performance.now()
    return {
      begun: this.begun,
      accepted: this.#accepted,
      kinds: { ...this.#kinds },
      ends: { ...this.#ends },
      refused: this.#refused,
      turnedAway: this.turnedAway,
      held: this.#held,
      longestWaitMs: this.#longestWaitMs,
      redirected: this.redirected,
      retried: this.retried,
      unknown: this.unknown,
      errors: Object.fromEntries(this.#errors),
      pauses: [...this.#pauses],
      paused: [...this.#waiting].map(([tenant, waiting]) => pauseOf(tenant, waiting, nowMs)),
    }
  }
}

function pauseOf(tenant: string, { sinceMs, refusals }: Waiting, untilMs: number): Pause {
  return { tenant, ms: untilMs - sinceMs, refusals }
}
