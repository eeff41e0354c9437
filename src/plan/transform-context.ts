/** The context of transforms besides rows, and how it is found. Types only. */
import type { SqlText } from './sql-text.ts'

/** The second argument of a transform; the same for every row of one move. */
export interface TransformContext {
  readonly tenantId: string
  readonly scope: string
  readonly planName: string
  /** The result of the plan's `lookups`. Empty without. */
  readonly lookups: Readonly<Record<string, unknown>>
}

/** Rows as texts, by column; null for NULL. */
export type Lookup = (query: SqlText) => Promise<Record<string, string | null>[]>

export interface Lookups {
  readonly tenantId: string
  readonly source: Lookup
  readonly target: Lookup
}
