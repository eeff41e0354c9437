/**
 * A digest of one tenant's rows of one table: counts and sums of row hashes, over 1,024 buckets.
 *
 * Rows are hashed as canonical SQL text (the sessions' settings are ours, see postgres.ts), so
 * order does not matter and nothing is rounded by JavaScript. Sums are exact numerics: unlike xor
 * they do not cancel equal rows. Buckets are by key, so that a difference leads to its keys
 * cheaply.
 */
import { type Client, type Pool, withClient } from '../../postgres.ts'

export type HashFunction = 'hashtextextended' | 'md5'

/** What is hashed. All fields are SQL; a row's expressions are over alias `r`. */
export interface DigestSpec {
  /** `from … r where …`. */
  readonly rows: string
  readonly key: readonly string[]
  readonly columns: readonly string[]
  readonly hash: HashFunction
  readonly parameters?: readonly unknown[]
}

export interface BucketSum {
  readonly rows: bigint
  readonly first: bigint
  readonly second: bigint
}

export type Digest = ReadonlyMap<number, BucketSum>

const bucketCount = 1024

export async function digestRows(db: Pool | Client, spec: DigestSpec): Promise<Digest> {
  const query = `select bucket, count(*)::text as rows, sum(first)::text as first,
    sum(second)::text as second from (${hashedRows(spec)}) h group by bucket`
  const result = await db.query(query, [...(spec.parameters ?? [])])
  return new Map(
    result.rows.map((row) => [
      row.bucket,
      { rows: BigInt(row.rows), first: BigInt(row.first), second: BigInt(row.second) },
    ]),
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
  const query = `select key, first::text || '/' || second::text as hash
    from (${hashedRows(spec)}) h where bucket = any ($${(spec.parameters?.length ?? 0) + 1})`
  const result = await db.query(query, [...(spec.parameters ?? []), buckets])
  return new Map(result.rows.map((row: { key: string; hash: string }) => [row.key, row.hash]))
}

function hashedRows({ rows, key, columns, hash }: DigestSpec): string {
  const hashed = (text: string, seed: number) =>
    hash === 'md5'
      ? `('x' || left(md5('${seed}' || ${text}), 16))::bit(64)::int8`
      : `hashtextextended(${text}, ${seed})`
  return `
    select key, (${hashed('key', 2)} & ${bucketCount - 1})::int as bucket,
      ${hashed('content', 0)} as first, ${hashed('content', 1)} as second
    from (select row(${key.join(', ')})::text as key, row(${columns.join(', ')})::text as content
      ${rows}) t`
}

export function addDigests(left: Digest, right: Digest): Digest {
  const sum = new Map(left)
  for (const [bucket, more] of right) {
    const have = sum.get(bucket) ?? { rows: 0n, first: 0n, second: 0n }
    sum.set(bucket, {
      rows: have.rows + more.rows,
      first: have.first + more.first,
      second: have.second + more.second,
    })
  }
  return sum
}

export function differingBuckets(left: Digest, right: Digest): number[] {
  const all = new Set([...left.keys(), ...right.keys()])
  return [...all].filter((bucket) => !sameSum(left.get(bucket), right.get(bucket)))
}

function sameSum(left: BucketSum | undefined, right: BucketSum | undefined): boolean {
  if (!left || !right) return left === right
  return left.rows === right.rows && left.first === right.first && left.second === right.second
}

export function rowCount(digest: Digest): number {
  return Number([...digest.values()].reduce((sum, bucket) => sum + bucket.rows, 0n))
}

/** One short text for the evidence: equal exactly where the digests are. */
export function digestText(digest: Digest): string {
  let first = 0n
  let second = 0n
  for (const bucket of digest.values()) {
    first += bucket.first
    second += bucket.second
  }
  const hex = (sum: bigint) => BigInt.asUintN(96, sum).toString(16).padStart(24, '0')
  return hex(first) + hex(second)
}

/** Runs both sides at once; each on its own connection. */
export async function digestBoth(
  source: { pool: Pool; spec: DigestSpec },
  target: { pool: Pool; spec: DigestSpec },
): Promise<[Digest, Digest]> {
  return await Promise.all([
    withClient(source.pool, (client) => digestRows(client, source.spec)),
    withClient(target.pool, (client) => digestRows(client, target.spec)),
  ])
}
