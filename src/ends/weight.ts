/**
 * How much is held at once: the one place that bounds pages, batches and messages by how large
 * their rows are, and not by how many they are. Weights are characters of PostgreSQL's texts; a
 * single row that is larger passes alone.
 */
import { inLists } from '../parallel.ts'
import type { Texts } from './tenant-rows.ts'

const mebi = 1024 * 1024

/** A page of rows that is read, and the rows of one request that asks for their hashes. */
export const pageWeightMax = 4 * mebi
/** Rows that wait for one commit: far below what an end takes at once. */
export const batchWeightMax = 8 * mebi
/** Rows that are read at once, however small the rows before them were. */
const stepRowsMax = 250
/** Nothing is known of the first rows. */
const firstStepRows = 4
/** The first rows of columns that an index holds: it takes small values alone. */
export const firstKeys = 100

export function weightOf(row: Texts): number {
  let weight = 0
  for (const text of row) weight += text === null ? 5 : text.length + 3
  return weight
}

/** Decides how many rows are read next, by the weight of those that were. */
export class ReadingPace {
  private readonly weightMax: number
  private readonly rowsMax: number
  private rows = 0
  private weight = 0
  private heaviest = 0
  private last: number

  constructor({
    weightMax = pageWeightMax,
    rowsMax = stepRowsMax,
    firstRows = firstStepRows,
  } = {}) {
    this.weightMax = weightMax
    this.rowsMax = Math.min(rowsMax, stepRowsMax)
    this.last = firstRows
  }

  add(rows: readonly Texts[]): void {
    for (const row of rows) {
      const weight = weightOf(row)
      this.rows += 1
      this.weight += weight
      // Heavy rows are often not alone; those that were long ago count less and less.
      this.heaviest = Math.max(weight, this.heaviest * 0.99)
    }
  }

  /** `held`: the weight of the page so far. At least 1. */
  next(held = 0): number {
    if (this.rows === 0) return Math.min(this.last, this.rowsMax)
    const each = Math.max(1, this.weight / this.rows, this.heaviest / 2)
    const fitting = Math.floor((this.weightMax - held) / each)
    this.last = Math.max(1, Math.min(this.rowsMax, fitting, 2 * this.last))
    return this.last
  }
}

/** Rows in lists, none of which is longer or, unless it is a single row, heavier. */
export function byWeight<T>(
  rows: readonly T[],
  of: (row: T) => Texts,
  { weightMax = pageWeightMax, rowsMax = Number.POSITIVE_INFINITY } = {},
): Generator<T[]> {
  return inLists(rows, (row) => weightOf(of(row)), { most: weightMax, itemsMax: rowsMax })
}
