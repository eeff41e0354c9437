/** Keys that the last comparison of a move has named, as its error keeps them. Pure. */
import { z } from 'zod'
import type { Difference } from './differences.ts'

export interface NamedDifferences {
  readonly table: string
  readonly keys: readonly Difference[]
}

const shape = z.object({
  tables: z.array(
    z.object({
      table: z.string(),
      keys: z.array(z.object({ key: z.string(), is: z.enum(['missing', 'extra', 'different']) })),
    }),
  ),
})

/** Empty: there are none, or the error is another one. */
export function namedDifferences(errorData: unknown): readonly NamedDifferences[] {
  const parsed = shape.safeParse(errorData)
  return parsed.success ? parsed.data.tables.filter(({ keys }) => keys.length > 0) : []
}
