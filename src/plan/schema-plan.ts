/**
 * Schema changes around the moves of a plan, as SQL files: `expand` adds what the new release
 * needs, before the first move; `contract` removes what only the old one used, after the last
 * tenant has moved for good.
 */
import { z } from 'zod'

export const schemaParts = ['expand', 'contract'] as const
export type SchemaPart = (typeof schemaParts)[number]

/** Files in the order in which they run. Paths are relative to the plan file. */
export interface SchemaFiles {
  readonly source?: readonly string[]
  readonly target?: readonly string[]
}

export interface SchemaInput {
  readonly expand?: SchemaFiles
  readonly contract?: SchemaFiles
  /**
   * `enqueue` expands before it makes a run, and a worker contracts once no tenant can come back.
   * Default false: only `rehome schema expand` and `contract` do.
   */
  readonly auto?: boolean
  /** Where relative paths begin. Default: the folder of the plan file. */
  readonly folder?: string
  /** How long a statement waits for a lock before it lets others pass. Default 1,000. */
  readonly lockTimeoutMs?: number
  /** How long CONCURRENTLY waits, for which no writer waits meanwhile. Default 60,000. */
  readonly concurrentWaitMs?: number
  /** How often a statement is tried while its lock is taken. Default 10. */
  readonly attempts?: number
  /** Wait before the second attempt, doubled for each further one up to 30,000. Default 500. */
  readonly backoffMs?: number
}

export interface SchemaChanges {
  readonly expand: Required<SchemaFiles>
  readonly contract: Required<SchemaFiles>
  readonly auto: boolean
  readonly folder: string
  readonly lockTimeoutMs: number
  readonly concurrentWaitMs: number
  readonly attempts: number
  readonly backoffMs: number
}

const path = z
  .string()
  .regex(/\.sql$/i, 'has to be a file of SQL, such as "001.sql"')
  .refine((text) => !text.includes('\0'), 'has a NUL character')
const paths = z
  .array(path)
  .refine((all) => new Set(all).size === all.length, 'names a file twice')
  .default([])
const files = z.strictObject({ source: paths, target: paths }).prefault({})
const ms = (min: number) => z.int().min(min).max(3_600_000)

export const schemaChanges = z.strictObject({
  expand: files,
  contract: files,
  auto: z.boolean().default(false),
  folder: z.string().min(1).default('.'),
  lockTimeoutMs: ms(1).default(1_000),
  concurrentWaitMs: ms(1).default(60_000),
  attempts: z.int().min(1).max(1_000).default(10),
  backoffMs: ms(0).default(500),
})

interface Changed {
  readonly schema?: SchemaChanges | undefined
  readonly source?: { readonly kind: string }
  readonly target?: { readonly kind: string }
}

/** Files for an end that no database is: its own application changes its schema. */
export function contradictionsOfSchema({ schema, ...plan }: Changed): string[] {
  if (!schema) return []
  return schemaParts.flatMap((part) =>
    (['source', 'target'] as const).flatMap((end) => {
      if (schema[part][end].length === 0 || (plan[end]?.kind ?? 'sql') === 'sql') return []
      const instead = 'its application changes its schema'
      return [
        `plan field \`schema.${part}.${end}\`: the ${end} is no database here, and ${instead}`,
      ]
    }),
  )
}
