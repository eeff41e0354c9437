/**
 * The rule by which a move gives way: from looks at its ends to the share of the time that it
 * works. Pure: it reads no clock, and asks no end.
 */
import type { Load } from '../ends/load.ts'
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

/** How long commits take at one end: the mean of the last looks beside that of the quiet time. */
export class CommitTimes {
  #last: number[] = []

  add(ms: number): void {
    this.#last = [...this.#last, ms].slice(-looksOfMean)
  }

  /** null: there was no look. */
  get meanMs(): number | null {
    const { length } = this.#last
    return length === 0 ? null : this.#last.reduce((sum, ms) => sum + ms, 0) / length
  }
}

export interface EndLoad extends Load {
  /** `source` or `target`. */
  readonly name: string
  readonly what: string
  /** The mean of the last looks. */
  readonly meanMs: number | null
  /** The mean before the move. null: unknown. */
  readonly quietMs: number | null
}

type Limits = Pick<Pace, 'commitMs' | 'slowdown' | 'active' | 'lagMs'>

/** Why an end is busy, in words for people. null: it is not. */
export function busyReason(load: EndLoad, limits: Limits): string | null {
  const { name, what, meanMs, quietMs, active, lagMs, asks } = load
  const limitMs = limits.commitMs ?? (quietMs === null ? null : quietMs * limits.slowdown)
  if (asks !== null) return `the ${name} ${asks}`
  if (meanMs !== null && limitMs !== null && meanMs > limitMs) {
    return `${what} the ${name} take ${inMs(meanMs)} ms, limit ${inMs(limitMs)}`
  }
  if (active !== null && limits.active !== undefined && active > limits.active) {
    return `${active} sessions of others are active at the ${name}, limit ${limits.active}`
  }
  if (lagMs !== null && limits.lagMs !== undefined && lagMs > limits.lagMs) {
    return `a standby of the ${name} is ${inMs(lagMs)} ms behind, limit ${inMs(limits.lagMs)}`
  }
  return null
}

function inMs(ms: number): string {
  return ms < 10 ? ms.toFixed(1) : Math.round(ms).toLocaleString('en')
}
