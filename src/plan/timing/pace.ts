/** When moves give way to the application's own work at their ends: the words for it. */
import { z } from 'zod'
import { fn, name } from '../check-endpoint.ts'
import type { SqlText } from '../sql-text.ts'
import type { Lookups } from '../transform-context.ts'

/** Returns whether the move is to give way, or the reason. */
export type Busy = (
  at: Lookups & { readonly signal: AbortSignal },
) => Promise<boolean | string> | boolean | string

export interface PaceInput {
  /** An end is busy while a small commit there takes longer than this, in ms, at the mean. */
  readonly commitMs?: number | undefined
  /** Without `commitMs`: so many times as long as before the move. Default 2. */
  readonly slowdown?: number | undefined
  /** An end is busy while more sessions of others are active there. Default: not looked at. */
  readonly active?: number | undefined
  /** An end is busy while a standby of it is further behind, in ms. Default: not looked at. */
  readonly lagMs?: number | undefined
  /** The `application_name` of the standby that counts. Default: each. */
  readonly standby?: string | undefined
  /**
   * Asked once a second: a query at the source, whose first value is true or the reason while the
   * move is to give way, or a function that returns this.
   */
  readonly busy?: SqlText | Busy | undefined
  /** The least share of the time that a move works, so that it ends. Default 0.1. */
  readonly floor?: number | undefined
}

/** A pace with its defaults. */
export interface Pace extends PaceInput {
  readonly slowdown: number
  readonly floor: number
}

const ms = z.number().positive().max(3_600_000).optional()

export const pace = z
  .strictObject({
    commitMs: ms,
    slowdown: z.number().min(1.1).max(1_000).default(2),
    active: z.int().min(1).max(100_000).optional(),
    lagMs: ms,
    standby: name.optional(),
    busy: z.union([fn, z.strictObject({ sql: z.string().min(1) })]).optional(),
    floor: z.number().min(0.01).max(1).default(0.1),
  })
  .refine(({ standby, lagMs }) => !standby || lagMs, '`standby` needs `lagMs`')
