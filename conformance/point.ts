/** One rule of the protocol, and how it is seen whether an end keeps it. */
import type { Subject } from './subject.ts'

export interface Point {
  /** Never changes: `turns.passed`. */
  readonly name: string
  /** The behaviour of an end that keeps the point. */
  readonly says: string
  /** Points without which this one would fail for their reasons. */
  readonly needs?: readonly string[]
  /** Throws Broken or Skipped. Leaves the end as it was. */
  check(end: Subject): Promise<void>
}

/** The end does not keep the point: what was expected, and what came. */
export class Broken extends Error {
  override readonly name = 'Broken'
}

/** It cannot be seen here. */
export class Skipped extends Error {
  override readonly name = 'Skipped'
}

/** It could be seen at this end, if it were given what it needs: a table, rows, an option. */
export class Untried extends Skipped {}

export function expectThat(held: unknown, message: () => string): asserts held {
  if (!held) throw new Broken(message())
}

/** Compares as JSON, so that a difference fits into one line. */
export function expectSame(found: unknown, wanted: unknown, what: string): void {
  const [left, right] = [found, wanted].map((value) => short(value))
  expectThat(isSame(found, wanted), () => `${what}: expected ${right}, and came ${left}`)
}

function isSame(left: unknown, right: unknown): boolean {
  return JSON.stringify(left) === JSON.stringify(right)
}

export function short(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing'
  return text.length > 200 ? `${text.slice(0, 200)}…` : text
}
