/** Types of a round of catching up: its parameters, and its result. Types only. */

/**
 * The extent of a comparison: nothing; what this round has brought, before it is committed, also as
 * the last one under the fence; or all rows, at the moment whose rows it has brought.
 */
export type Compared = 'nothing' | 'changes' | 'the last changes' | 'everything'

export interface Round {
  /** Entries of the log: a row that changed twice counts twice. */
  readonly changes: number
  readonly removed: number
  readonly brought: number
  readonly compared: number
  readonly ms: number
}
