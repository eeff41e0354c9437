/**
 * The rule by which a move gives way: from looks at its ends to the share of the time that it
 * works. Pure: it reads no clock, and asks no end.
 */
import type { Load, LoadMeter } from '../ends/load.ts'
import type { Pace } from '../plan/timing/pace.ts'

/** The looks of about a second: one slow commit alone is no load. */
const looksOfMean = 10

/**
 * Each busy look halves the share of the time that the move works, down to the plan's floor, so
 * that it ends. Each quiet one raises it by a quarter, up to all of the time.
 */
export class Governor {
  readonly #floor: number
  #share = 1
  constructor(floor: number) {
    this.#floor = floor
  }

  /** The share of the time; below 1 the move rests after each piece of work. */
  get share(): number {
    return this.#share
  }

  /** `reason`: why an end is busy. null: none is. */
  look(reason: string | null): void {
    const share = reason === null ? this.#share * 1.25 : this.#share / 2
    this.#share = Math.min(1, Math.max(this.#floor, share))
  }
}

/** How long commits take at one place, by the last looks. */
export class CommitTimes {
  readonly #by: LoadMeter['by']
  #last: number[] = []

  constructor(by: LoadMeter['by']) {
    this.#by = by
  }

  add(ms: number): void {
    this.#last = [...this.#last, ms].slice(-looksOfMean)
  }

  /** null: there was no look. */
  get ms(): number | null {
    const { length } = this.#last
    if (length === 0) return null
    if (this.#by === 'least') return Math.min(...this.#last)
    return this.#last.reduce((sum, ms) => sum + ms, 0) / length
  }
}

/** The quiet time is measured again after so long. */
const quietForMs = 600_000
const quietTimesKept = 6

/** How long commits took at one place while as little as possible of ours was at work there. */
export class QuietTimes {
  #last: number[] = []
  #at: number | null = null

  /** The least of the last ones: what was measured under load was too long. null: unknown. */
  get ms(): number | null {
    return this.#last.length === 0 ? null : Math.min(...this.#last)
  }

  /** Whether it is time to measure. `isQuiet`: no other move is at work there. */
  isDue({ isQuiet, at }: { readonly isQuiet: boolean; readonly at: number }): boolean {
    const isKnown = this.#last.length > 0
    return this.#at === null || ((isQuiet || !isKnown) && at - this.#at > quietForMs)
  }

  /** null: the place has shown none, and is not asked again soon. */
  add(ms: number | null, at: number): void {
    if (ms !== null) this.#last = [...this.#last, ms].slice(-quietTimesKept)
    this.#at = at
  }
}

export interface EndLoad extends Load {
  /** `source` or `target`. */
  readonly name: string
  readonly what: string
  /** How long a commit takes by the last looks, in ms. null: unknown. */
  readonly takesMs: number | null
  /** How long it took before the moves, in ms. null: unknown. */
  readonly quietMs: number | null
  /** The plan's standby was connected before, and is no longer. */
  readonly isGone: boolean
}

type Limits = Pick<Pace, 'commitMs' | 'slowdown' | 'active' | 'lagMs' | 'standby'>

/** Why an end is busy, in words for people. null: it is not. */
export function busyReason(load: EndLoad, limits: Limits): string | null {
  const { name, what, takesMs, quietMs, active, lagMs, isGone, asks } = load
  const limitMs = limits.commitMs ?? (quietMs === null ? null : quietMs * limits.slowdown)
  if (asks !== null) return `the ${name} ${asks}`
  if (takesMs !== null && limitMs !== null && takesMs > limitMs) {
    return `${what} the ${name} take ${inMs(takesMs)} ms, limit ${inMs(limitMs)}`
  }
  if (active !== null && limits.active !== undefined && active > limits.active) {
    return `${active} sessions of others are active at the ${name}, limit ${limits.active}`
  }
  if (isGone) return `standby "${limits.standby}" of the ${name} is no longer connected`
  if (lagMs !== null && limits.lagMs !== undefined && lagMs > limits.lagMs) {
    return `a standby of the ${name} is ${inMs(lagMs)} ms behind, limit ${inMs(limits.lagMs)}`
  }
  return null
}

function inMs(ms: number): string {
  return ms < 10 ? ms.toFixed(1) : Math.round(ms).toLocaleString('en')
}
