/** Conditions across two models besides equal rows, which the plan's author writes in SQL. */
import type { TenantQuery } from './stream.ts'

export type Invariant = {
  readonly name: string
} & (
  | {
      /** At which it is asked. */
      readonly at: 'source' | 'target'
      /** May return no row. */
      readonly noRows: TenantQuery
    }
  | {
      /** Each returns one row, and both are the same: a count, a sum, several of them. */
      readonly equal: { readonly source: TenantQuery; readonly target: TenantQuery }
    }
)
