/** The rules of waves in a plan. */
import { z } from 'zod'
import { durationMs } from '../duration.ts'
import { messageOf } from '../errors.ts'
import { fn } from './check-endpoint.ts'
import { parseCondition } from './facts.ts'

const failures = z.union([
  z.int().min(0).max(1_000_000),
  z.string().regex(/^(100|\d{1,2}(\.\d{1,3})?)%$/, "has to be a number or a share, e.g. '2%'"),
])
const pauseMsP99 = z.int().min(1).max(86_400_000).optional()

const soak = z.string().refine(isDuration, "has to be a length of time, e.g. '30m' or '1h'")

function isDuration(text: string): boolean {
  try {
    return durationMs(text) > 0
  } catch {
    return false
  }
}

const sqlText = z.strictObject({ sql: z.string().min(1) })

const condition = z
  .string()
  .max(1_000)
  .superRefine((text, context) => {
    try {
      parseCondition(text)
    } catch (error) {
      context.addIssue({ code: 'custom', message: messageOf(error) })
    }
  })

const takers = ['tenants', 'percent', 'where', 'first', 'rest'] as const

const wave = z
  .strictObject({
    name: z.string().min(1).max(64).optional(),
    tenants: z.union([z.array(z.string()).min(1), sqlText]).optional(),
    percent: z.number().positive().max(100).optional(),
    where: condition.optional(),
    first: z.int().min(1).max(100_000_000).optional(),
    rest: z.literal(true).optional(),
    soak: soak.optional(),
    approve: z.literal(true).optional(),
    gates: z
      .strictObject({
        failed: failures.optional(),
        pauseMsP99,
        audited: z.literal(true).optional(),
        check: fn.optional(),
      })
      .optional(),
  })
  .refine(
    (of) => takers.filter((taker) => of[taker] !== undefined).length === 1,
    'has to have exactly one of `tenants`, `percent`, `where`, `first` and `rest`',
  )

export const waves = z
  .array(wave)
  .min(1)
  .refine(
    (all) => all.findIndex(({ rest }) => rest) === all.length - 1,
    'has to end with `{ rest: true }`, so that every tenant belongs to a wave',
  )

export const stopWhen = z
  .strictObject({ failed: failures.optional(), pauseMsP99 })
  .refine(({ failed }) => failed !== 0, '`failed` has to be at least 1: no run begins with 0')

/** The order in which tenants begin. */
export const order = z.union([
  sqlText,
  z.strictObject({ by: z.string().min(1).max(64), descending: z.literal(true).optional() }),
])
