/**
 * The row that a transform is given: an ordinary object to look at, whose columns are read when
 * they are accessed, so that columns without an access are never decoded.
 *
 * One object serves all rows of a table, and belongs to a transform for the length of its call. A
 * spread, Object.entries or JSON.stringify reads all of it. What a transform adds to it, deletes or
 * redefines ends with the row.
 */

import { RehomeError } from '../errors.ts'

/** Where the columns' values come from; it stands on another row each time. */
export interface RowSource {
  /** PostgreSQL's text of a column; null: NULL. */
  text(index: number): string | null
  /** The value as a transform sees it. */
  value(index: number): unknown
}

/** The value that `visit` gives for a column without an access. */
export const untouched: unique symbol = Symbol('untouched')

export interface RowVisitor {
  settle(value: unknown, index: number): void
}

/**
 * The lazy row of a list of columns. It is the same for all who ask: an engine learns a transform
 * once, and not anew for each tenant. Who calls `begin` has it until the next one does.
 */
export function lazyRowOf(names: readonly string[]): LazyRow {
  const list = JSON.stringify(names)
  const own = rows.get(list) ?? new LazyRow(names)
  rows.set(list, own)
  return own
}

const rows = new Map<string, LazyRow>()

class LazyRow {
  private readonly names: readonly string[]
  private readonly properties: PropertyDescriptorMap
  private readonly wasRead: Uint8Array
  private readonly wasSet: Uint8Array
  private readonly read: unknown[]
  private readonly set: unknown[]
  /** The one whose columns are read when they are asked for. */
  private lazy: Record<string, unknown>
  private row: Record<string, unknown>
  private source: RowSource | null = null
  private visiting = false
  /** How many columns have answered a visit. */
  private alive = 0

  constructor(names: readonly string[]) {
    this.names = names
    this.wasRead = new Uint8Array(names.length)
    this.wasSet = new Uint8Array(names.length)
    this.read = names.map(() => null)
    this.set = names.map(() => null)
    const properties = names.map((name, index) => [name, this.property(index)] as const)
    this.properties = Object.fromEntries(properties)
    this.lazy = this.fresh()
    this.row = this.lazy
  }

  /** The row that the source stands on now. */
  begin(source: RowSource): Record<string, unknown> {
    this.forget(source)
    this.row = this.lazy
    return this.row
  }

  /**
   * Begins a row with all of it read, and for this row alone: for callers that look at all of it
   * anyway.
   */
  beginRead(source: RowSource): Record<string, unknown> {
    this.forget(source)
    this.row = this.plain()
    return this.row
  }

  /** After the call: somebody has asked for every column. */
  isAllRead(): boolean {
    return !this.wasRead.includes(0)
  }

  /** Lets go of what the row held. */
  end(): void {
    this.source = null
    this.read.fill(null)
    this.set.fill(null)
  }

  /**
   * After the call: gives the visitor what the row has under each of the names, in their order, and
   * `untouched` where a column was neither read nor set.
   */
  visit(names: readonly string[], visitor: RowVisitor): void {
    const { row } = this
    this.visiting = true
    this.alive = 0
    try {
      for (const [i, name] of names.entries()) visitor.settle(row[name], i)
    } finally {
      this.visiting = false
    }
  }

  /**
   * The value that was read, with all that has become of nested values since; it is read now if
   * need be.
   */
  original(index: number): unknown {
    if (this.wasRead[index] === 0) {
      this.read[index] = this.source?.value(index)
      this.wasRead[index] = 1
    }
    return this.read[index]
  }

  private forget(source: RowSource): void {
    if (this.row === this.lazy && !this.isIntact()) this.lazy = this.fresh()
    this.source = source
    this.alive = 0
    this.wasRead.fill(0)
    this.wasSet.fill(0)
  }

  private current(index: number): unknown {
    const isSet = this.wasSet[index] === 1
    if (this.visiting) {
      this.alive += 1
      if (!isSet && this.wasRead[index] === 0) return untouched
    }
    return isSet ? this.set[index] : this.original(index)
  }

  private change(index: number, value: unknown): void {
    this.set[index] = value
    this.wasSet[index] = 1
  }

  private property(index: number): PropertyDescriptor {
    return {
      enumerable: true,
      configurable: true,
      get: () => this.current(index),
      set: (value: unknown) => this.change(index, value),
    }
  }

  private fresh(): Record<string, unknown> {
    return Object.defineProperties({}, this.properties)
  }

  private plain(): Record<string, unknown> {
    const row: Record<string, unknown> = {}
    for (const [i, name] of this.names.entries()) {
      const value = this.original(i)
      if (name !== '__proto__') row[name] = value
      else Object.defineProperty(row, name, { value, ...ordinary })
    }
    return row
  }

  /** Each column is one of ours still, and there is nothing else. */
  private isIntact(): boolean {
    const { names } = this
    if (this.alive !== names.length) this.visit(names, { settle() {} })
    return this.alive === names.length && Reflect.ownKeys(this.lazy).length === names.length
  }
}

const ordinary = { enumerable: true, writable: true, configurable: true }

export type { LazyRow }

export function expectFields(actual: number, expected: number): void {
  if (actual === expected) return
  const message = `a row has ${actual} fields, expected ${expected}`
  throw new RehomeError('DATABASE_ERROR', message)
}
