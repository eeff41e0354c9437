/**
 * What the target ought to hold after a transform, without looking at what was copied: the rows are
 * read again by a cursor, transformed a second time, and turned into the target's own types by the
 * target, which then makes the digest. No COPY is on this way.
 */
import type { TransformContext } from '../../plan/plan.ts'
import type { Route } from '../../plan/routes.ts'
import { type Client, withClient } from '../../postgres.ts'
import { selectRows } from './copy-table.ts'
import {
  addBuckets,
  addDigests,
  type Buckets,
  type Digest,
  type DigestSpec,
  digestBuckets,
  digestRows,
  type HashedValue,
  type HashFunction,
  hashesOf,
} from './digest.ts'
import type { SqlEnd } from './end.ts'
import { arrayOfTexts, heard, type Texts, textBatches } from './text-batches.ts'
import { TextRow } from './text-row.ts'
import { RowTransform, unchanged } from './transform-rows.ts'

export interface Expected<T> {
  readonly found: T
  /** The target's columns that the transform fills: only these are compared. */
  readonly columns: readonly string[]
}

interface Work {
  readonly route: Route
  readonly context: TransformContext
  /** Which rows `r` of the source. */
  readonly where: string
  readonly hash: HashFunction
  readonly signal: AbortSignal
}

type Ends = { source: SqlEnd; target: SqlEnd }

const batchRows = 500

export async function expectedDigest(ends: Ends, work: Work): Promise<Expected<Digest>> {
  let found: Digest = { rows: 0n, sum: 0n }
  const columns = await eachBatch(ends, work, async (target, spec) => {
    found = addDigests(found, await digestRows(target, spec))
  })
  return { found, columns }
}

export async function expectedBuckets(ends: Ends, work: Work): Promise<Buckets> {
  let found: Buckets = new Map()
  await eachBatch(ends, work, async (target, spec) => {
    found = addBuckets(found, await digestBuckets(target, spec))
  })
  return found
}

/** Key → hash of the expected rows in some buckets. */
export async function expectedHashes(
  ends: Ends,
  work: Work,
  buckets: readonly number[],
): Promise<Map<string, string>> {
  const hashes = new Map<string, string>()
  await eachBatch(ends, work, async (target, spec) => {
    for (const [key, hash] of await hashesOf(target, spec, buckets)) hashes.set(key, hash)
  })
  return hashes
}

/** The source reads a batch, and the target hashes another, while a third is transformed here. */
async function eachBatch(
  ends: Ends,
  work: Work,
  visit: (target: Client, spec: DigestSpec) => Promise<void>,
): Promise<readonly string[]> {
  const row = new TextRow(work.route.columns)
  const transform = new RowTransform(work.route, work.context, row)
  // Unlike the copy's: what one row leaves on another in there would be seen here.
  transform.plainRows = true
  await withClient(ends.source.pool, (reader) =>
    withClient(ends.target.pool, async (target) => {
      const query = selectRows(ends.source, work.route, work.where)
      let visiting: Promise<void> = Promise.resolve()
      for await (const rows of textBatches(reader, query, { size: batchRows })) {
        work.signal.throwIfAborted()
        const results = rows.map((fields) => textsOf(row, transform, fields))
        const through = results.filter((texts) => texts !== null)
        const spec = through.length > 0 ? batchSpec(work, transform.columns, through) : null
        await visiting
        if (spec) visiting = heard(visit(target, spec))
      }
      await visiting
    }),
  )
  return transform.columns
}

function textsOf(row: TextRow, transform: RowTransform, fields: Texts): Texts | null {
  row.stand(fields)
  const outcomes = transform.apply()
  if (!outcomes) return null
  return (transform.fields ?? []).map(({ from }, i) => {
    const outcome = outcomes[i] ?? null
    return outcome === unchanged ? (fields[from] ?? null) : outcome
  })
}

/** The batch as a relation of the target's types, from one array a column. */
function batchSpec(work: Work, columns: readonly string[], rows: readonly Texts[]): DigestSpec {
  const values = new Map(
    columns.map((name, i) => {
      const column = work.route.target.columns.find((candidate) => candidate.name === name)
      const typeSql = column?.typeSql ?? 'pg_catalog.text'
      // With its modifier: numeric(10,2) makes 1.00 of 1.
      return [name, { sql: `r.c${i}::${column?.typeText ?? 'text'}`, typeSql }]
    }),
  )
  const hashedOf = (name: string): HashedValue =>
    values.get(name) ?? { sql: 'null::text', typeSql: 'pg_catalog.text' }
  const arrays = columns.map((_, i) => `unnest($${i + 1}::text[]) as c${i}`).join(', ')
  return {
    // `offset 0` keeps it apart: a value that is used twice is not to be unpacked twice.
    rows: `from (select ${arrays} offset 0) r`,
    key: comparisonKey(work.route, columns).map(hashedOf),
    columns: columns.map(hashedOf),
    hash: work.hash,
    parameters: columns.map((_, i) => arrayOfTexts(rows, i)),
  }
}

/** By which columns rows are told apart: the target's key if it is compared, else the whole row. */
export function comparisonKey(route: Route, columns: readonly string[]): readonly string[] {
  const keyed =
    route.targetKey.length > 0 && route.targetKey.every((name) => columns.includes(name))
  return keyed ? route.targetKey : columns
}
