/** Conditions across two models besides equal rows, which the plan's author writes in SQL. */
import { z } from 'zod'
import { fn } from './check-endpoint.ts'
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

export const invariant = z.union([
  z.strictObject({ name: z.string().min(1), at: z.enum(['source', 'target']), noRows: fn }),
  z.strictObject({
    name: z.string().min(1),
    equal: z.strictObject({ source: fn, target: fn }),
  }),
])
