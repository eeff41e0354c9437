/** What transforms are given besides rows, and how it is found. Types only. */
import type { SqlText } from './sql-text.ts'

/** What a transform is given besides the row; the same for every row of one move. */
export interface TransformContext {
  readonly tenantId: string
  readonly scope: string
  readonly planName: string
  /** What the plan's `lookups` has found. Empty without. */
  readonly lookups: Readonly<Record<string, unknown>>
}

/** Rows as texts, by column; null for NULL. */
export type Lookup = (query: SqlText) => Promise<Record<string, string | null>[]>

export interface Lookups {
  readonly tenantId: string
  readonly source: Lookup
  readonly target: Lookup
}
