// One end whose schema changes: each `begin` has tables of its own, so that many share a database.
import type { SqlEnd } from '../../../src/ends/end.ts'
import { closeSqlEnd, openSqlEnd } from '../../../src/ends/postgres/postgres-end.ts'
import {
  type Applied,
  applyFiles,
  type Failed,
} from '../../../src/ends/postgres/schema/apply-files.ts'
import { unitsOf } from '../../../src/ends/postgres/schema/units.ts'
import { postgres } from '../../../src/plan/endpoint.ts'
import { lend } from '../attempts/life.ts'
import { createWorld, type World } from '../world.ts'

export const timing = {
  lockTimeoutMs: 100,
  concurrentWaitMs: 300,
  attempts: 3,
  backoffMs: 20,
}

export interface SchemaEnd extends AsyncDisposable {
  readonly world: World
  /** A schema of its own with these tables, and how to run files in it. */
  begin(sql: string): Promise<Place>
}

export interface Place {
  readonly schema: string
  /** Files by their names. Returns what was run, in the order. */
  run(files: Readonly<Record<string, string>>, options?: RunOptions): Promise<Applied[]>
  readonly failed: readonly Failed[]
  /** Runs SQL with the search path of its schema. */
  query(sql: string): Promise<Record<string, unknown>[]>
}

export interface RunOptions {
  readonly acceptChanges?: boolean
  readonly signal?: AbortSignal
  readonly waitMs?: number
  readonly timing?: Partial<typeof timing>
}

let places = 0

export async function openSchemaEnd(): Promise<SchemaEnd> {
  const world = await createWorld()
  const { environment, source } = world
  const ends: SqlEnd[] = []
  return {
    world,
    async begin(sql) {
      places += 1
      const schema = `place_${places}`
      const query = async (text: string) => {
        const client = await source.pool.connect()
        try {
          await client.query(`set search_path = ${schema}`)
          const results = [await client.query(text)].flat()
          return results.at(-1)?.rows ?? []
        } finally {
          client.release(true)
        }
      }
      await source.pool.query(`create schema ${schema}`)
      await query(sql)
      const of = postgres({ urlFrom: 'SOURCE_URL', schema })
      const end = openSqlEnd('source', of, { environment })
      lend(end.pool)
      lend(end.lifeline)
      ends.push(end)
      const failed: Failed[] = []
      return {
        schema,
        failed,
        query,
        async run(files, options = {}) {
          const applied: Applied[] = []
          const named = Object.entries(files).map(([name, text]) => unitsOf({ name, text }))
          await applyFiles(end, {
            plan: schema,
            part: 'expand',
            files: await Promise.all(named),
            timing: { ...timing, ...options.timing },
            acceptChanges: options.acceptChanges ?? false,
            signal: options.signal,
            waitMs: options.waitMs ?? 5_000,
            onApplied: async (one) => void applied.push(one),
            onFailed: async (one) => void failed.push(one),
          })
          return applied
        },
      }
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(ends.map(closeSqlEnd))
      await world[Symbol.asyncDispose]()
    },
  }
}
