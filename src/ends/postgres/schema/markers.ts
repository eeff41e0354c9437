/** Rows that record which schema changes have run at an end, committed with the statements. */
import type { Pool } from '../../../postgres.ts'
import { literal } from '../../../quote.ts'
import type { Numbered, UnitsOfFile } from './units.ts'

/** The changes of one part of a plan at one end. */
export interface Change {
  readonly plan: string
  readonly part: string
  readonly end: 'source' | 'target'
}

export interface Marker {
  readonly file: string
  readonly number: number
  readonly hash: string
  readonly fileHash: string
  /** The last key of an UPDATE in batches that has been committed. */
  readonly batchKey: readonly string[] | null
  readonly rows: number | null
  readonly done: boolean
  readonly at: Date
}

/** In the order of their numbers. */
export async function readMarkers(pool: Pool, { plan, part, end }: Change): Promise<Marker[]> {
  const query = `select file, number, hash, file_hash as "fileHash", batch_key as "batchKey",
      row_count::float8 as rows, done, at
    from rehome.schema_statements where plan = $1 and part = $2 and end_name = $3
    order by file, number`
  return (await pool.query(query, [plan, part, end])).rows
}

interface Mark {
  readonly done: boolean
  readonly batchKey?: readonly string[]
  readonly rows?: number
}

/**
 * SQL without parameters, so that it goes to the server together with other statements. The role
 * that a file has set may lack rights in our schema.
 */
export function markSql(
  change: Change,
  { name, hash: fileHash }: UnitsOfFile,
  { number, hash, done, batchKey, rows }: Pick<Numbered, 'number' | 'hash'> & Mark,
): string {
  const { plan, part, end } = change
  const texts = [plan, part, end, name].map(literal).join(', ')
  const key = batchKey ? `array[${batchKey.map(literal).join(', ')}]::text[]` : 'null'
  const count = rows === undefined ? 'null' : String(rows)
  return `insert into rehome.schema_statements as s
      (plan, part, end_name, file, number, hash, file_hash, batch_key, row_count, done)
    values (${texts}, ${number}, ${literal(hash)}, ${literal(fileHash)}, ${key}, ${count}, ${done})
    on conflict (plan, part, end_name, file, number) do update set done = excluded.done,
      batch_key = coalesce(excluded.batch_key, s.batch_key),
      row_count = coalesce(excluded.row_count, s.row_count), at = excluded.at`
}

/** Accepts a file whose statements that have run are the same. */
export async function acceptFile(
  pool: Pool,
  { plan, part, end }: Change,
  { name, hash }: UnitsOfFile,
): Promise<void> {
  const query = `update rehome.schema_statements set file_hash = $5
    where plan = $1 and part = $2 and end_name = $3 and file = $4`
  await pool.query(query, [plan, part, end, name, hash])
}
