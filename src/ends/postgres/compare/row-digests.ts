/**
 * A digest of one tenant's rows of one table: their number and the sum of their hashes.
 *
 * Hashes are made by the servers, so nothing is rounded by JavaScript. Sums are exact numerics:
 * order does not matter, and unlike xor they do not cancel equal rows. Where two digests differ,
 * those of 1,024 buckets by key lead to the keys cheaply.
 */

import type { QueryResult } from 'pg'
import type { Client, Pool } from '../../../postgres.ts'
import { literal } from '../../../quote.ts'
import { type Buckets, bucketCount, type Digest, type HashFunction } from '../../digest.ts'
import { queryTogether } from '../query-together.ts'
import { enterPlan, leavePlan, queryPlan, type Schemas } from '../search-path.ts'
import type { TenantParameters } from '../tenant-of-rows.ts'

/** A value over the alias `r`, and its type with its schema, as the catalogue writes it. */
export interface HashedValue {
  readonly sql: string
  readonly typeSql: string
}

/** The input of a digest. */
export interface DigestSpec {
  /** `from … r where …`. */
  readonly rows: string
  readonly key: readonly HashedValue[]
  readonly columns: readonly HashedValue[]
  readonly hash: HashFunction
  readonly parameters?: readonly unknown[]
  /** Some of it is SQL of the plan, at this end. Then there are no parameters. */
  readonly plan?: Schemas | undefined
}

export async function digestRows(db: Pool | Client, spec: DigestSpec): Promise<Digest> {
  return digestOf((await look(db, spec, selectDigest(spec))).rows[0])
}

/**
 * Two calls at most: one statement for all rows but those that SQL of the plan chooses or changes,
 * whose statements are sent together. `parameters`: the tenant's, in the one statement.
 */
export async function digestAll(
  db: Pool | Client,
  specs: readonly DigestSpec[],
  { values }: TenantParameters,
): Promise<Digest[]> {
  const own = specs.filter(({ plan }) => !plan)
  const selects = own.map((spec, i) => {
    return `select ${i} as i, d.rows, d.sum from (${selectDigest(spec)}) d`
  })
  const query = `${selects.join(' union all ')} order by 1`
  const { rows } = own.length > 0 ? await db.query(query, values) : { rows: [] }
  const statements = specs.flatMap((spec) =>
    spec.plan ? [enterPlan(spec.plan), selectDigest(spec), leavePlan] : [],
  )
  const results = await queryTogether(db, statements)
  const ofPlan = results.filter(({ command }) => command === 'SELECT').map(({ rows: [row] }) => row)
  return specs.map(({ plan }) => digestOf(plan ? ofPlan.shift() : rows.shift()))
}

function selectDigest(spec: DigestSpec): string {
  return `select count(*)::text as rows,
    coalesce(pg_catalog.sum(${contentHash(spec)}), 0)::text as sum ${spec.rows}`
}

function digestOf(row: { readonly rows: string; readonly sum: string }): Digest {
  return { rows: BigInt(row.rows), sum: BigInt(row.sum) }
}

export async function digestBuckets(db: Pool | Client, spec: DigestSpec): Promise<Buckets> {
  const query = `select ${bucketOf(spec)} as bucket, count(*)::text as rows,
    pg_catalog.sum(${contentHash(spec)})::text as sum ${spec.rows} group by 1`
  const result = await look(db, spec, query)
  return new Map(
    result.rows.map(({ bucket, rows, sum }) => [bucket, { rows: BigInt(rows), sum: BigInt(sum) }]),
  )
}

/**
 * Key text → row hash, for the rows of some buckets: what remains to be looked at when they differ.
 */
export async function hashesOf(
  db: Pool | Client,
  spec: DigestSpec,
  buckets: readonly number[],
): Promise<Map<string, string>> {
  const query = `select key, hash from (select ${keyText(spec)} as key, ${bucketOf(spec)} as bucket,
      ${contentHash(spec)}::text as hash ${spec.rows}) h
    where bucket = any (${literal(`{${buckets.join(',')}}`)}::int4[])`
  const result = await look(db, spec, query)
  return new Map(result.rows.map((row: { key: string; hash: string }) => [row.key, row.hash]))
}

async function look(db: Pool | Client, spec: DigestSpec, query: string): Promise<QueryResult> {
  if (spec.plan) return await queryPlan(db, spec.plan, query)
  return await db.query(query, [...(spec.parameters ?? [])])
}

function keyText({ key }: DigestSpec): string {
  return `row(${key.map(({ sql }) => `${sql}::text`).join(', ')})::text`
}

function bucketOf(spec: DigestSpec): string {
  return `(${hashOfText(keyText(spec), spec.hash)} & ${bucketCount - 1}::int8)::int4`
}

function contentHash({ columns, hash }: DigestSpec): string {
  if (hash === 'record') return recordHash(columns)
  return hashOfText(`row(${columns.map(({ sql }) => `${sql}::text`).join(', ')})::text`, hash)
}

function hashOfText(text: string, hash: HashFunction): string {
  if (hash !== 'md5') return `pg_catalog.hashtextextended(${text}, 0::int8)`
  return `('x' || pg_catalog.left(pg_catalog.md5(${text}), 16))::bit(64)::int8`
}

/** Equal values of these are the same value, and hash alike on every server of ours. */
const exactTypes = new Set(
  'bool int2 int4 int8 uuid date time timestamp timestamptz'
    .split(' ')
    .map((name) => `pg_catalog.${name}`),
)
const textTypes = new Set(['pg_catalog.text', 'pg_catalog.varchar'])

/**
 * A record's hash is a sum of its fields' hashes, each times a number, so a sum over rows would not
 * see two rows exchange a value. Hashed once more it does.
 */
function recordHash(columns: readonly HashedValue[]): string {
  const values = columns.map(({ sql, typeSql }) => {
    // Some names are quoted because SQL has words like them.
    const type = typeSql.replaceAll('"', '')
    if (exactTypes.has(type)) return sql
    // Under a collation of its own, different texts may be equal.
    return `${sql}${textTypes.has(type) ? '' : '::text'} collate "C"`
  })
  return `pg_catalog.hashint8extended(
    pg_catalog.hash_record_extended(row(${values.join(', ')}), 0::int8), 1::int8)`
}

/** The functions' results on fixed values: servers that differ there cannot be compared so. */
export const digestProbes: Readonly<Record<HashFunction, { since: number; sql: string }>> = {
  record: {
    since: 140000,
    sql: `${recordHash([
      ...[...exactTypes].map((typeSql) => ({ sql: `null::${typeSql}`, typeSql })),
      ...[
        ['true', 'bool'],
        ['-7', 'int2'],
        ['70000', 'int4'],
        ["'-5000000000'", 'int8'],
        ["'6f1c7b0e-5d3a-4a43-9f5e-0a4f4c1f9d55'", 'uuid'],
        ["'2024-02-29'", 'date'],
        ["'23:59:59.999999'", 'time'],
        ["'0044-03-15 12:00:00.000001 BC'", 'timestamp'],
        ["'2024-02-29 12:00:00.000001+00'", 'timestamptz'],
        ["'rehome ä 1'", 'text'],
      ].map(([value, name]) => ({
        sql: `${value}::pg_catalog.${name}`,
        typeSql: `pg_catalog.${name}`,
      })),
    ])}::text`,
  },
  text: { since: 0, sql: `${hashOfText("'rehome ä 1'", 'text')}::text` },
  md5: { since: 0, sql: `${hashOfText("'rehome ä 1'", 'md5')}::text` },
}
