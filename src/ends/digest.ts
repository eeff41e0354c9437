/** Digests of rows: those of each end, and how two of them are compared. Pure. */

/**
 * `record`: PostgreSQL's own hashes of values, for types whose equal values are the same value; all
 * others as text. `text` and `md5`: everything as canonical text (the sessions' settings are ours,
 * see postgres.ts). The first that both servers agree on is used.
 */
export const hashFunctions = ['record', 'text', 'md5'] as const

export type HashFunction = (typeof hashFunctions)[number]

export interface Digest {
  readonly rows: bigint
  readonly sum: bigint
}

/** Bucket → digest. */
export type Buckets = ReadonlyMap<number, Digest>

export const bucketCount = 1024

export const allBuckets: readonly number[] = Array.from({ length: bucketCount }, (_, i) => i)

export const noRows: Digest = { rows: 0n, sum: 0n }

export function addDigests(left: Digest, right: Digest): Digest {
  return { rows: left.rows + right.rows, sum: left.sum + right.sum }
}

export function addBuckets(left: Buckets, right: Buckets): Buckets {
  const all = new Map(left)
  for (const [bucket, more] of right) all.set(bucket, addDigests(all.get(bucket) ?? noRows, more))
  return all
}

export function sameDigest(left: Digest, right: Digest): boolean {
  return left.rows === right.rows && left.sum === right.sum
}

export function differingBuckets(left: Buckets, right: Buckets): number[] {
  const all = new Set([...left.keys(), ...right.keys()])
  return [...all].filter(
    (bucket) => !sameDigest(left.get(bucket) ?? noRows, right.get(bucket) ?? noRows),
  )
}

/** One short text for the evidence: equal exactly where the digests are. */
export function digestText({ rows, sum }: Digest): string {
  return `${rows}:${BigInt.asUintN(96, sum).toString(16).padStart(24, '0')}`
}
