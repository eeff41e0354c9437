/**
 * The row that a transform is given: an ordinary object to look at, whose columns are read when
 * they are asked for, so that what nobody asks for is never decoded.
 *
 * One object serves all rows of a table, and belongs to a transform for the length of its call. A
 * spread, Object.entries or JSON.stringify reads all of it. What a transform adds to it, deletes or
 * redefines ends with the row.
 */

import { RehomeError } from '../../errors.ts'

/** Where the columns' values come from; it stands on another row each time. */
export interface RowSource {
  /** PostgreSQL's text of a column; null: NULL. */
  text(index: number): string | null
  /** The same as a transform sees it. */
  value(index: number): unknown
}

export interface LazyRow {
  /** The row that the source stands on now. */
  begin(): Record<string, unknown>
  /** After the call: all columns, and nothing else, are still what `begin` made them. */
  isIntact(): boolean
  /** Nobody has asked for the column or set it. */
  isUntouched(index: number): boolean
  /** What was read, with all that has become of nested values since; it is read now if need be. */
  original(index: number): unknown
}

/** What a column says of itself to `isIntact`. */
const here: unique symbol = Symbol('here')

export function createLazyRow(names: readonly string[], source: RowSource): LazyRow {
  const wasRead = new Uint8Array(names.length)
  const wasSet = new Uint8Array(names.length)
  const read: unknown[] = names.map(() => null)
  const set: unknown[] = names.map(() => null)
  let asking = false
  const original = (index: number) => {
    if (wasRead[index] === 0) {
      read[index] = source.value(index)
      wasRead[index] = 1
    }
    return read[index]
  }
  const property = (index: number) => ({
    enumerable: true,
    configurable: true,
    get: () => (asking ? here : wasSet[index] === 1 ? set[index] : original(index)),
    set(value: unknown) {
      set[index] = value
      wasSet[index] = 1
    },
  })
  const properties = Object.fromEntries(names.map((name, index) => [name, property(index)]))
  const fresh = () => Object.defineProperties({}, properties) as Record<string, unknown>
  let row = fresh()
  const isIntact = () => {
    if (Object.keys(row).length !== names.length) return false
    asking = true
    const all = names.every((name) => row[name] === here)
    asking = false
    return all
  }
  return {
    begin() {
      wasRead.fill(0)
      wasSet.fill(0)
      return row
    },
    isIntact() {
      const intact = isIntact()
      if (!intact) row = fresh()
      return intact
    },
    isUntouched: (index) => wasRead[index] === 0 && wasSet[index] === 0,
    original,
  }
}

export function expectFields(found: number, expected: number): void {
  if (found === expected) return
  const message = `a row has ${found} fields, expected ${expected}`
  throw new RehomeError('DATABASE_ERROR', message)
}
