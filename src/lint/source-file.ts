/** A file as the rules get it. */

/**
 * Transactions that a migration tool makes around a file.
 *
 * - none: each statement is a transaction, unless the file has BEGIN
 * - whole: the tool wraps the file in a transaction
 * - implicit: the file is sent as one query; several statements are one transaction
 */
export type Wrapping = 'none' | 'whole' | 'implicit'

export interface SqlPart {
  /** It has the lines of the whole file, with blanks instead of what is not its SQL. */
  readonly sql: string
  /** Names stand in it for values that a program puts in. */
  readonly isBuilt: boolean
}

export interface SourceFile {
  readonly path: string
  /** SQL of the file, in parts that are parsed each by itself. */
  readonly parts: readonly SqlPart[]
  readonly wrapping: Wrapping
  /** A short lock_timeout is set before the file begins. */
  readonly waitsShortly?: boolean
  /** False: only its effect on the schema counts, as it was linted before. */
  readonly isReported: boolean
  /** Lines with calls of a query builder, which no rule reads. */
  readonly builderLines: readonly number[]
}
