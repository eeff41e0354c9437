/**
 * Values of a tenant's rows, made fit to be shown: secrets are masked, and long values are cut
 * around the place at which they differ. Pure.
 */
import { createHmac, randomBytes } from 'node:crypto'

/** null is NULL; undefined: there is no such row or column. */
export type Cell = string | null | undefined

/** Characters of a value that are shown at most. */
const shownMax = 300

const secretName =
  /pass(?:word|wd|phrase|code)|secret|token|api_?key|private_?key|credential|(?:^|_)(?:pwd|salt|otp|pin|cvv|iban|ssn)(?:_|$)/i

/** Columns with the names of secrets. */
export function isSecretColumn(name: string): boolean {
  return secretName.test(name)
}

/** Equal values have equal masks within one answer, and no value can be guessed from its mask. */
export function createMask(): (value: string) => string {
  const key = randomBytes(32)
  return (value) => {
    const mark = createHmac('sha256', key).update(value).digest('hex').slice(0, 8)
    return `masked (${value.length} characters, mark ${mark})`
  }
}

export interface Cells {
  readonly source: Cell
  readonly expected: Cell
  readonly target: Cell
}

/** Cuts the values of a column alike, so that what differs from the expected one is in sight. */
export function cutAlike({ source, expected, target }: Cells): Cells {
  const texts = [source, expected, target].filter((cell) => typeof cell === 'string')
  if (texts.every(({ length }) => length <= shownMax)) return { source, expected, target }
  const compared = [expected, target].filter((cell) => typeof cell === 'string')
  const from = Math.max(0, firstDifference(compared) - 20)
  const cut = (cell: Cell) => (typeof cell === 'string' ? cutFrom(cell, from) : cell)
  return { source: cut(source), expected: cut(expected), target: cut(target) }
}

function cutFrom(text: string, from: number): string {
  const part = text.slice(from, from + shownMax)
  const rest = text.length - from - part.length
  const before = from > 0 ? `(${from} characters) …` : ''
  return `${before}${part}${rest > 0 ? `… (${rest} characters)` : ''}`
}

/** 0 where all are equal. */
function firstDifference([first = '', ...others]: readonly string[]): number {
  let least = Number.POSITIVE_INFINITY
  for (const other of others) {
    let at = 0
    while (at < first.length && first[at] === other[at]) at += 1
    if (at < Math.max(first.length, other.length)) least = Math.min(least, at)
  }
  return Number.isFinite(least) ? least : 0
}
