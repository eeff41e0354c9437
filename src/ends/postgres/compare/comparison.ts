/** One side of a comparison, in a database: counts, digests and hashes that the server makes. */
import { ident } from '../../../quote.ts'
import type { SqlEnd } from '../../end.ts'
import type { Compared, ComparedColumn, Digests, Side } from '../../rows.ts'
import { fromTenant } from '../predicate.ts'
import { readsPlanSql } from '../search-path.ts'
import { TenantParameters } from '../tenant-of-rows.ts'
import { arrayOfTexts } from '../text-batches.ts'
import { type DigestSpec, digestAll, digestBuckets, digestRows, hashesOf } from './row-digests.ts'

export function sideIn(end: SqlEnd, compared: Compared): Side {
  const { pool } = end
  const spec = specOf(end, compared)
  return {
    digest: () => digestRows(pool, spec),
    buckets: () => digestBuckets(pool, spec),
    hashes: (some) => hashesOf(pool, spec, some),
  }
}

export function digestsIn(end: SqlEnd): Digests {
  return {
    side: (compared) => sideIn(end, compared),
    digests: (all) => {
      const parameters = new TenantParameters()
      const specs = all.map((compared) => specOf(end, compared, parameters))
      return digestAll(end.pool, specs, parameters)
    },
  }
}

function specOf(
  end: SqlEnd,
  { of, key, columns, hash }: Compared,
  parameters?: TenantParameters,
): DigestSpec {
  if ('given' in of) {
    const arrays = columns.map(
      (_, i) => `pg_catalog.unnest($${i + 1}::text[]) as ${ident(`c${i}`)}`,
    )
    return {
      // `offset 0` keeps it apart: a value that is used twice is not to be unpacked twice.
      rows: `from (select ${arrays.join(', ')} offset 0) r`,
      key: key.map(hashed),
      columns: columns.map(hashed),
      hash,
      parameters: columns.map((_, i) => arrayOfTexts(of.given, i)),
    }
  }
  const plan = readsPlanSql(of, [...key, ...columns]) ? end : undefined
  const rows = `from ${fromTenant(end.schema, of, plan ? undefined : parameters)}`
  return { rows, key: key.map(hashed), columns: columns.map(hashed), hash, plan }
}

function hashed({ sql, cast, typeSql }: ComparedColumn) {
  return { sql: cast === null ? sql : `(${sql})::${cast}`, typeSql }
}
