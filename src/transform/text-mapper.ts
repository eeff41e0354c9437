/** Maps rows that are texts on their way to the target. */
import type { Quarantined } from '../ends/rows.ts'
import type { Texts } from '../ends/tenant-rows.ts'
import { messageOf, RehomeError } from '../errors.ts'

export interface TextMapper {
  /** The target's columns that are filled; none before a row was let through. */
  columns(): readonly string[]
  /**
   * In the order of the source's key. `asRead`: the same rows before they got new ids, by which
   * rows that stay behind are named. Default: the rows.
   */
  map(rows: readonly Texts[], asRead?: readonly Texts[]): Texts[]
  /** The rows that are still to come after the last one. */
  end(): Texts[]
  /**
   * The number of rows of a group that may go on: a reader that resumes here has to read them
   * again.
   */
  held(): number
  /** Since this was asked last. */
  takeQuarantined(): Quarantined[]
}

/** Methods of mappers that take each row for itself and hold none back. */
export const holdsNothing = { end: () => [], held: () => 0, takeQuarantined: () => [] }

export interface Quarantine {
  /** Throws the error where no more rows may stay behind. */
  add(error: unknown, row: Omit<Quarantined, 'message'>): void
  take(): Quarantined[]
}

/** Takes what failed for the rows' own sake, up to `max` of them. */
export function createQuarantine(max: number): Quarantine {
  let taken: Quarantined[] = []
  let rows = 0
  return {
    add(error, row) {
      const own = error instanceof RehomeError && error.code === 'TRANSFORM_FAILED'
      rows += 1
      if (!own || rows > max) throw own && max > 0 ? tooMany(error, max) : error
      taken.push({ ...row, message: messageOf(error) })
    },
    take() {
      const rows = taken
      taken = []
      return rows
    },
  }
}

function tooMany(error: RehomeError, max: number): RehomeError {
  const message = `${error.message} (more than \`quarantine: ${max}\` rows)`
  return new RehomeError('TRANSFORM_FAILED', message, { cause: error })
}
