/**
 * What the target ought to hold after a transform, without looking at what was copied: the rows are
 * read again by a cursor, transformed a second time, and turned into the target's own types by the
 * target, which then makes the digest. No COPY is on this way.
 */
import Cursor from 'pg-cursor'
import type { TransformContext } from '../../plan/plan.ts'
import type { Route } from '../../plan/routes.ts'
import { type Client, withClient } from '../../postgres.ts'
import { selectRows } from './copy-table.ts'
import type { HashFunction } from './digest.ts'
import { addDigests, type Digest, type DigestSpec, digestRows, hashesOf } from './digest.ts'
import type { SqlEnd } from './end.ts'
import { createRowTransform } from './transform-rows.ts'

export interface ExpectedRows {
  readonly digest: Digest
  /** The target's columns that the transform fills: only these are compared. */
  readonly columns: readonly string[]
}

interface Work {
  readonly route: Route
  readonly context: TransformContext
  readonly hash: HashFunction
  readonly signal: AbortSignal
}

const batchRows = 2000
/** Raw texts, exactly as the server wrote them. */
const asText = { getTypeParser: () => (text: string) => text }

export async function expectedDigest(
  ends: { source: SqlEnd; target: SqlEnd },
  work: Work,
): Promise<ExpectedRows> {
  let digest: Digest = new Map()
  const columns = await eachBatch(ends, work, async (target, spec) => {
    digest = addDigests(digest, await digestRows(target, spec))
  })
  return { digest, columns }
}

/** Key → hash of the expected rows in some buckets. */
export async function expectedHashes(
  ends: { source: SqlEnd; target: SqlEnd },
  work: Work,
  buckets: readonly number[],
): Promise<Map<string, string>> {
  const hashes = new Map<string, string>()
  await eachBatch(ends, work, async (target, spec) => {
    for (const [key, hash] of await hashesOf(target, spec, buckets)) hashes.set(key, hash)
  })
  return hashes
}

async function eachBatch(
  ends: { source: SqlEnd; target: SqlEnd },
  work: Work,
  visit: (target: Client, spec: DigestSpec) => Promise<void>,
): Promise<readonly string[]> {
  const transform = createRowTransform(work.route, work.context)
  await withClient(ends.source.pool, (reader) =>
    withClient(ends.target.pool, async (target) => {
      const query = selectRows(ends.source, work.route, work.context.tenantId)
      const cursor = reader.query(new Cursor(query, [], { rowMode: 'array', types: asText }))
      for (;;) {
        work.signal.throwIfAborted()
        const rows: (string | null)[][] = await cursor.read(batchRows)
        if (rows.length === 0) break
        const results = rows.map((row) => transform.apply(row)).filter((row) => row !== null)
        const columns = transform.columns()
        if (columns && results.length > 0) {
          await visit(target, batchSpec(work, columns, results))
        }
      }
      await cursor.close()
    }),
  )
  return transform.columns() ?? []
}

/** The batch as a relation of the target's types, from one array a column. */
function batchSpec(
  work: Work,
  columns: readonly string[],
  rows: readonly (readonly (string | null)[])[],
): DigestSpec {
  const texts = columns.map((name, i) => {
    const column = work.route.target.columns.find((candidate) => candidate.name === name)
    return { name, sql: `r.c${i}::${column?.typeSql ?? 'text'}::text` }
  })
  const arrays = columns.map((_, i) => `$${i + 1}::text[]`).join(', ')
  const names = columns.map((_, i) => `c${i}`).join(', ')
  const key = comparisonKey(work.route, columns)
  return {
    rows: `from unnest(${arrays}) r (${names})`,
    key: key.map((name) => texts.find((text) => text.name === name)?.sql ?? 'null'),
    columns: texts.map((text) => text.sql),
    hash: work.hash,
    parameters: columns.map((_, i) => rows.map((row) => row[i] ?? null)),
  }
}

/** By which columns rows are told apart: the target's key if it is compared, else the whole row. */
export function comparisonKey(route: Route, columns: readonly string[]): readonly string[] {
  const keyed =
    route.targetKey.length > 0 && route.targetKey.every((name) => columns.includes(name))
  return keyed ? route.targetKey : columns
}
