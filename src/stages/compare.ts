/**
 * Compares the tenant's rows of both ends, table by table, in SQL: counts, digests, and where those
 * differ the keys. It shares no code path with the copy: nothing here reads or writes a COPY
 * stream.
 */
import {
  type Digest,
  type DigestSpec,
  differingBuckets,
  digestRows,
  digestText,
  hashesOf,
  rowCount,
} from '../endpoints/sql/digest.ts'
import { comparisonKey, expectedDigest, expectedHashes } from '../endpoints/sql/expected-rows.ts'
import type { Route } from '../plan/routes.ts'
import { ident } from '../quote.ts'
import { contextOf } from './context.ts'
import { fromTenant } from './rows.ts'
import type { Shard } from './shard.ts'

export interface TableComparison {
  readonly table: string
  /** Rows that ought to be at the target, and rows that are. */
  readonly expected: number
  readonly found: number
  readonly digest: string
  readonly equal: boolean
  /** Rows that are missing, extra or different; 0 where the tables are equal. */
  readonly differing: number
  /** Up to 20 of them. */
  readonly keys: readonly { key: string; is: 'missing' | 'extra' | 'different' }[]
  /** Target columns that nothing was copied into, so that there is nothing to compare. */
  readonly notCompared: readonly string[]
}

export async function compareShard(shard: Shard): Promise<TableComparison[]> {
  const comparisons: TableComparison[] = []
  for (const route of shard.survey.routes) {
    shard.signal.throwIfAborted()
    comparisons.push(await compareTable(shard, route))
  }
  return comparisons
}

async function compareTable(shard: Shard, route: Route): Promise<TableComparison> {
  const { ends, survey, signal } = shard
  const work = { route, context: contextOf(shard), hash: survey.hash, signal }
  const ahead = route.transform ? await expectedDigest(ends, work) : null
  const columns = ahead ? ahead.columns : route.columns.map((column) => column.name)
  const targetSpec = targetRows(shard, route, columns)
  const sourceSpec = sourceRows(shard, route, columns)
  const [expected, found] = await Promise.all([
    ahead ? ahead.digest : digestRows(ends.source.pool, sourceSpec),
    digestRows(ends.target.pool, targetSpec),
  ])
  const buckets = differingBuckets(expected, found)
  const differences = await namedDifferences(buckets, {
    left: (some) =>
      ahead ? expectedHashes(ends, work, some) : hashesOf(ends.source.pool, sourceSpec, some),
    right: (some) => hashesOf(ends.target.pool, targetSpec, some),
  })
  return {
    ...summary(route, expected, found),
    equal: buckets.length === 0,
    ...differences,
    notCompared: route.target.columns.map((c) => c.name).filter((name) => !columns.includes(name)),
  }
}

function summary(route: Route, expected: Digest, found: Digest) {
  return {
    table: route.target.name,
    expected: rowCount(expected),
    found: rowCount(found),
    digest: digestText(found),
  }
}

/** A row without compared columns cannot be told apart: its key stands in for it. */
function targetRows(shard: Shard, route: Route, columns: readonly string[]): DigestSpec {
  const compared = columns.length > 0 ? columns : route.targetKey
  return {
    rows: `from ${fromTenant(shard, route, 'target')}`,
    key: comparisonKey(route, compared).map((name) => `r.${ident(name)}::text`),
    columns: compared.map((name) => `r.${ident(name)}::text`),
    hash: shard.survey.hash,
  }
}

function sourceRows(shard: Shard, route: Route, columns: readonly string[]): DigestSpec {
  const text = (name: string) => {
    const column = route.columns.find((candidate) => candidate.name === name)
    const cast = column?.castTo ? `::pg_catalog.${ident(column.castTo)}` : ''
    return `(${column?.expression ?? 'null'})${cast}::text`
  }
  return {
    rows: `from ${fromTenant(shard, route, 'source')}`,
    key: comparisonKey(route, columns).map(text),
    columns: columns.map(text),
    hash: shard.survey.hash,
  }
}

type Hashes = (buckets: readonly number[]) => Promise<Map<string, string>>

/** A few buckets at a time, so that only a share of the rows is ever in memory. */
async function namedDifferences(
  buckets: readonly number[],
  sides: { left: Hashes; right: Hashes },
): Promise<Pick<TableComparison, 'differing' | 'keys'>> {
  const keys: TableComparison['keys'][number][] = []
  let differing = 0
  for (let i = 0; i < buckets.length; i += 64) {
    const some = buckets.slice(i, i + 64)
    const [left, right] = await Promise.all([sides.left(some), sides.right(some)])
    for (const key of new Set([...left.keys(), ...right.keys()])) {
      if (left.get(key) === right.get(key)) continue
      differing += 1
      if (keys.length >= 20) continue
      const is = !right.has(key) ? 'missing' : !left.has(key) ? 'extra' : 'different'
      keys.push({ key, is })
    }
  }
  return { differing, keys }
}
