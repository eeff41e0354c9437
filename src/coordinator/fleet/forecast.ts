/**
 * Predicts how long moves and their pauses take, from moves of the same plan that have ended. Pure.
 *
 * Time is taken to be a part that every move has and a part for each row: a line is laid through
 * the samples by least squares. Nothing is predicted for tenants far larger than all of them.
 */
import type { Sample } from '../../control/fleet/samples.ts'
import { comparableTimes } from '../../plan/timing/timing.ts'

export interface Predicted {
  readonly ms: number
  readonly pauseMs: number
}

export interface Forecaster {
  /** The number of moves that it is based on. */
  readonly samples: number
  /** null: the tenant is too large to be compared with them. */
  of(rows: number): Predicted | null
}

interface Line {
  readonly baseMs: number
  readonly msPerRow: number
}

/** null: no move of the plan has ended, and none was rehearsed. */
export function forecasterOf(
  samples: readonly Sample[],
  { strategy }: { readonly strategy: 'offline' | 'online' },
): Forecaster | null {
  if (samples.length === 0) return null
  const largest = Math.max(...samples.map(({ rows }) => rows))
  const duration = lineThrough(samples.map(({ rows, ms }) => [rows, ms]))
  // Online the pause does not depend on the size, so nearly the longest one is what to expect.
  const pauses = samples.map(({ pauseMs }) => pauseMs).toSorted((a, b) => a - b)
  const longest = { baseMs: quantile(pauses, 0.99), msPerRow: 0 }
  const pause =
    strategy === 'online' ? longest : lineThrough(samples.map((one) => [one.rows, one.pauseMs]))
  return {
    samples: samples.length,
    of(rows) {
      if (rows > comparableTimes * largest) return null
      return { ms: at(duration, rows), pauseMs: at(pause, rows) }
    },
  }
}

function at({ baseMs, msPerRow }: Line, rows: number): number {
  return baseMs + rows * msPerRow
}

/** Neither part is negative: no move takes less time than one without rows. */
function lineThrough(points: readonly (readonly [rows: number, ms: number])[]): Line {
  const mean = (values: readonly number[]) =>
    values.reduce((sum, value) => sum + value, 0) / values.length
  const [rows, ms] = [mean(points.map(([x]) => x)), mean(points.map(([, y]) => y))]
  const spread = points.reduce((sum, [x]) => sum + (x - rows) ** 2, 0)
  const together = points.reduce((sum, [x, y]) => sum + (x - rows) * (y - ms), 0)
  // Samples of one size prove nothing about others: all of their time is taken to be for rows.
  const slope = spread === 0 ? ms / Math.max(1, rows) : Math.max(0, together / spread)
  const baseMs = ms - slope * rows
  return baseMs >= 0 ? { baseMs, msPerRow: slope } : { baseMs: 0, msPerRow: ms / Math.max(1, rows) }
}

/** The smallest value that so large a share of the sorted values does not exceed; 0 of none. */
export function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0
}

export interface Together {
  readonly rows: number
  /** The time of all of them, so many at once; null: none of them can be predicted. */
  readonly ms: number | null
  readonly pauseMsMax: number | null
  /** Tenants of which nothing is predicted. */
  readonly unknown: number
}

interface Looked {
  readonly rows: number
  readonly predicted: Predicted | null
}

/** Adds one tenant after another up, of which so many move at once. */
export class Total {
  readonly #atOnce: number
  #rows = 0
  #known = 0
  #unknown = 0
  #sumMs = 0
  #longestMs = 0
  #pauseMsMax = 0

  constructor(atOnce: number) {
    this.#atOnce = atOnce
  }

  add({ rows, predicted }: Looked): void {
    this.#rows += rows
    if (!predicted) {
      this.#unknown += 1
      return
    }
    this.#known += 1
    this.#sumMs += predicted.ms
    this.#longestMs = Math.max(this.#longestMs, predicted.ms)
    this.#pauseMsMax = Math.max(this.#pauseMsMax, predicted.pauseMs)
  }

  get(): Together {
    const own = { rows: this.#rows, unknown: this.#unknown }
    if (this.#known === 0) return { ...own, ms: null, pauseMsMax: null }
    // No number of workers moves a tenant faster than it moves alone.
    const ms = Math.max(this.#longestMs, this.#sumMs / this.#atOnce)
    return { ...own, ms, pauseMsMax: this.#pauseMsMax }
  }
}

/** All of these tenants, so many at once. */
export function together(all: readonly Looked[], atOnce: number): Together {
  const total = new Total(atOnce)
  for (const one of all) total.add(one)
  return total.get()
}
