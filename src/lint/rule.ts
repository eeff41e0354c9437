/**
 * The parts of a rule and of a finding. A rule is a function that finds a statement, and a page
 * with what the statement locks, what breaks, and the safe steps (rule-pages.ts). Texts have
 * `{name}` where a finding has the name in question.
 */

export const lockModes = [
  'ACCESS SHARE',
  'ROW SHARE',
  'ROW EXCLUSIVE',
  'SHARE UPDATE EXCLUSIVE',
  'SHARE',
  'SHARE ROW EXCLUSIVE',
  'EXCLUSIVE',
  'ACCESS EXCLUSIVE',
] as const
export type LockMode = (typeof lockModes)[number]

/**
 * How long the lock is needed. It is always held until the transaction ends.
 *
 * - instant: only the catalogue changes
 * - scan: all rows are read
 * - build: all rows are read, and an index is built
 * - rewrite: all rows and all indexes are written again
 */
export type Cost = (typeof costs)[number]
export const costs = ['instant', 'scan', 'build', 'rewrite'] as const

/** `error` fails the command, `warning` does not. */
export type Level = (typeof levels)[number]
export const levels = ['error', 'warning'] as const

/** One migration, or one deployment of the application. */
export interface Step {
  readonly does: string
  /** Absent: the step changes the application, not the schema. */
  readonly sql?: string
}

/** Placeholder → name or text. */
export type Names = Readonly<Record<string, string>>

/** Code of a rule → the names for its texts, if it finds this operation. `table` is added. */
export type Rules<Site> = Readonly<Record<string, (site: Site) => Names | null>>

export interface RuleText {
  /** Words with hyphens: the name of the rule in comments, reports and its page. */
  readonly code: string
  readonly level: Level
  readonly title: string
  /** Strongest lock on the table; null: no table is locked, or it depends. */
  readonly lock: string | null
  readonly cost: Cost
  /** Consequence for queries and for application code of the previous release. */
  readonly breaks: string
  readonly steps: readonly Step[]
  /** Version from which the statement is safe, with its condition. */
  readonly safeFrom?: string
  /** SQL with exactly one statement that the rule finds. */
  readonly example: string
  /** Name of the file that the example stands in, if it is no SQL. */
  readonly exampleFile?: string
  /** Version that the example needs to be found; default: any. */
  readonly exampleVersion?: string
}

export interface Finding {
  readonly code: string
  readonly level: Level
  /** Path as it was given; `-` is standard input. */
  readonly file: string
  /** From 1. */
  readonly line: number
  readonly column: number
  readonly statement: string
  readonly message: string
  readonly locks: readonly { readonly table: string; readonly mode: string }[]
  readonly cost: Cost
  readonly breaks: string
  readonly steps: readonly Step[]
  readonly safeFrom: string | null
  /** Path of the rule's page within this package. */
  readonly page: string
}

export const pageOf = (code: string): string => `docs/schema-changes/${code}.md`
