/**
 * Compares the tenant's rows of both ends, table by table: counts, digests, and where those differ
 * the keys. It shares no code path with the copy: nothing here reads or writes a COPY
 * stream.
 */

import { contextOf, renumberOf } from '../attempt/context.ts'
import { tenantRows } from '../attempt/planned-rows.ts'
import type { Shard } from '../attempt/shard.ts'
import { now } from '../clock.ts'
import {
  allBuckets,
  type Digest,
  differingBuckets,
  digestText,
  sameDigest,
} from '../ends/digest.ts'
import { digestsOf } from '../ends/end.ts'
import { fewAtOnce, heavierOf } from '../ends/postgres/relations.ts'
import type { Compared, ComparedColumn, Digests, Side } from '../ends/rows.ts'
import type { KeyList, Texts } from '../ends/tenant-rows.ts'
import { allOf } from '../parallel.ts'
import { hasNewIds } from '../plan/new-ids.ts'
import { asItIs } from '../plan/routing/columns.ts'
import type { Route } from '../plan/routing/route.ts'
import { columnSql } from '../plan/routing/shared-ids.ts'
import { ident } from '../quote.ts'
import { comparisonKey, type Expected, expectedSide } from '../transform/expected-rows.ts'
import { type Difference, differencesOf, type Hashes } from './differences.ts'
import { type ReadCheck, readCheckOf } from './read-check.ts'

export interface TableComparison {
  readonly table: string
  /** The numbers of rows that must be at the target, and that are. */
  readonly expected: number
  readonly found: number
  readonly digest: string
  readonly equal: boolean
  /** Rows that are missing, extra or different; 0 where the tables are equal. */
  readonly differing: number
  /** Up to 20 of them. */
  readonly keys: readonly Difference[]
  /** Keys of the source whose rows were not read as the source itself has them. */
  readonly misread?: readonly Difference[]
  /** Rows that have changed since they were brought: a later round brings and compares them. */
  readonly changing?: number
  /** Target columns that nothing was copied into, so that there is nothing to compare. */
  readonly notCompared: readonly string[]
}

export async function compareShard(shard: Shard): Promise<TableComparison[]> {
  const comparisons: TableComparison[] = []
  const digests = await digestsAtOnce(shard)
  for (const route of shard.survey.routes) {
    shard.signal.throwIfAborted()
    const began = now()
    comparisons.push(await compareTable(shard, route, { digests: digests.get(route) }))
    // A part is compared in the transaction that has brought it.
    if (!shard.among) await shard.pace?.rest(now() - began)
  }
  return comparisons
}

/** Tables with so many rows in all are looked at together, in one call per end. */
const rowsTogether = 10_000

/** The routes in lists, each short enough for one look. */
export function looksAtOnce({ survey, rowsTotal, among }: Shard): readonly (readonly Route[])[] {
  const isFew = among !== undefined || rowsTotal <= rowsTogether
  if (!isFew) return survey.routes.map((route) => [route])
  return [...fewAtOnce(survey.routes, ({ source, target }) => [heavierOf(source, target)])]
}

/** Digests of both ends, of the tables whose rows both hash as they are. */
async function digestsAtOnce(shard: Shard): Promise<Map<Route, readonly [Digest, Digest]>> {
  const digests = new Map<Route, readonly [Digest, Digest]>()
  const { source, target } = shard.ends
  if (!target.digests) return digests
  for (const routes of looksAtOnce(shard)) {
    const plain = routes.filter((route) => !isMade(shard, route))
    if (plain.length < 2) continue
    shard.signal.throwIfAborted()
    const columnsOf = (route: Route) => route.columns.map((column) => column.name)
    const [expected, actual] = await Promise.all([
      digestsOf(source).digests(plain.map((one) => sourceSide(shard, one, columnsOf(one)))),
      target.digests.digests(plain.map((one) => targetSide(shard, one, columnsOf(one)))),
    ])
    for (const [i, route] of plain.entries()) {
      const [left, right] = [expected[i], actual[i]]
      if (left && right) digests.set(route, [left, right])
    }
  }
  return digests
}

export interface Comparing {
  /** The number of differing keys to report at most. Default 20. */
  readonly named?: number
  /** Those of both ends, where they are known already. */
  readonly digests?: readonly [expected: Digest, found: Digest] | undefined
}

export async function compareTable(
  shard: Shard,
  route: Route,
  { named = 20, digests }: Comparing = {},
): Promise<TableComparison> {
  const check = readCheckOf(shard, route)
  const ahead = aheadOf(shard, route, check)
  // Only after the transform has seen rows is it known which columns it fills.
  const digestAhead = ahead ? await ahead.digest() : null
  const columns = ahead ? ahead.columns() : route.columns.map((column) => column.name)
  const left = ahead ?? leftSide(shard, route, columns)
  const right = rightSide(shard, route, columns)
  const expecting = digests ? digests[0] : (digestAhead ?? left.digest())
  // One end after the other: a core of a shared machine is left to the application.
  if (shard.pace?.isOn) await expecting
  const [expected, actual] = await allOf([expecting, digests ? digests[1] : right.digest()])
  const misread = ahead && check ? await check.differences(() => ahead.digest()) : []
  const same = sameDigest(expected, actual)
  const differences = same
    ? { differing: 0, keys: [] }
    : await namedDifferences({ left, right }, named)
  const equal = same && misread.length === 0
  return {
    table: route.target.name,
    expected: Number(expected.rows),
    found: Number(actual.rows),
    digest: digestText(actual),
    equal,
    ...differences,
    ...(misread.length > 0 && { misread }),
    notCompared: route.target.columns.map((c) => c.name).filter((name) => !columns.includes(name)),
  }
}

/**
 * Expected target rows, made by a second run of the transform. null: source rows are hashed as they
 * are.
 */
function aheadOf(shard: Shard, route: Route, check: ReadCheck | null): Expected | null {
  if (!isMade(shard, route)) return null
  const { ends, survey, signal } = shard
  const ways = { source: ends.source.rows, hasher: hasherOf(shard) }
  return expectedSide(ways, {
    route,
    context: contextOf(shard),
    reading: { ...tenantRows(shard, route, 'source'), signal },
    hash: survey.hash,
    renumber: renumberOf(shard, route),
    onRead: check?.onRead,
  })
}

export interface ComparedRows extends Hashes {
  /** Keys of the source whose rows were not read as the source has them. */
  readonly misread: readonly Difference[]
}

/** Hashes some rows of both ends, few enough to be held here; each end hashes its own. */
export async function hashesOfSome(
  shard: Shard,
  route: Route,
  some: { readonly source: readonly KeyList[]; readonly target: readonly KeyList[] },
): Promise<ComparedRows> {
  const part = (end: 'source' | 'target', keys: KeyList): Shard => {
    return { ...shard, keys: (_, at) => (at === end ? keys : undefined) }
  }
  const [expected, actual] = [new Map<string, string>(), new Map<string, string>()]
  const misread: Difference[] = []
  let columns: readonly string[] = []
  const plain = route.columns.map((column) => column.name)
  for (const keys of some.source) {
    shard.signal.throwIfAborted()
    const at = part('source', keys)
    const check = readCheckOf(at, route)
    const ahead = aheadOf(at, route, check)
    const left = ahead ?? leftSide(at, route, plain)
    for (const [key, hash] of await left.hashes(allBuckets)) expected.set(key, hash)
    if (ahead && check) misread.push(...(await check.differences(() => ahead.digest())))
    const filled = ahead ? ahead.columns() : plain
    if (filled.length > 0) columns = filled
  }
  for (const keys of some.target) {
    shard.signal.throwIfAborted()
    const right = rightSide(part('target', keys), route, columns)
    for (const [key, hash] of await right.hashes(allBuckets)) actual.set(key, hash)
  }
  return { expected, found: actual, misread }
}

/** Whether target rows are made on the way, so that the source has no digest for them. */
function isMade({ ends }: Shard, route: Route): boolean {
  if (!ends.source.digests) return true
  return route.transform !== undefined || route.stream !== undefined || hasNewIds(route)
}

/** The end that makes digests of rows that are not stored yet, or that an API has. */
function hasherOf({ ends: { source, target } }: Shard): Digests {
  return target.digests ?? digestsOf(source)
}

/** Source rows as they are, which only an end that makes digests is asked for. */
function leftSide(shard: Shard, route: Route, columns: readonly string[]): Side {
  return digestsOf(shard.ends.source).side(sourceSide(shard, route, columns))
}

/** An API makes no digest: its rows are read again, and the other end makes it. */
function rightSide(shard: Shard, route: Route, columns: readonly string[]): Side {
  const { ends, survey, signal } = shard
  const { digests, rows } = ends.target
  if (digests) return digests.side(targetSide(shard, route, columns))
  const reading = { ...tenantRows(shard, route, 'target'), signal }
  const renumber = async (rows: readonly Texts[]) => rows
  const read = {
    ...route,
    source: route.target,
    transform: undefined,
    newIds: {},
    columns: columns.map((name) => asItIs({ name, typeName: typeNameAt(route, name) })),
  }
  const { stream: _, ...asRead } = read
  const work = { route: asRead, context: contextOf(shard), reading, hash: survey.hash, renumber }
  return expectedSide({ source: rows, hasher: hasherOf(shard) }, work)
}

function typeNameAt({ target }: Route, name: string): string {
  return target.columns.find((column) => column.name === name)?.typeName ?? 'text'
}

/** The target's side. The key of a row without compared columns stands in for it. */
function targetSide(shard: Shard, route: Route, columns: readonly string[]): Compared {
  const compared = columns.length > 0 ? columns : route.targetKey
  const value = (name: string): ComparedColumn => {
    return { sql: `r.${ident(name)}`, from: name, typeSql: typeAt(route, name), cast: null }
  }
  return {
    of: tenantRows(shard, route, 'target'),
    key: comparisonKey(route, compared).map(value),
    columns: compared.map(value),
    hash: shard.survey.hash,
  }
}

function sourceSide(shard: Shard, route: Route, columns: readonly string[]): Compared {
  const value = (name: string): ComparedColumn => {
    const column = route.columns.find((candidate) => candidate.name === name)
    const { from = null, castTo = null } = column ?? {}
    const cast = modifierAt(route, name) ?? castTo
    return { sql: column ? columnSql(column) : 'null', from, typeSql: typeAt(route, name), cast }
  }
  return {
    of: tenantRows(shard, route, 'source'),
    key: comparisonKey(route, columns).map(value),
    columns: columns.map(value),
    hash: shard.survey.hash,
  }
}

/** Both ends are hashed as what the target's column is. */
function typeAt(route: Route, name: string): string {
  return route.target.columns.find((column) => column.name === name)?.typeSql ?? 'pg_catalog.text'
}

/** `numeric(10,2)` makes 1.00 of 1, so that is what has to be there. */
function modifierAt(route: Route, name: string): string | null {
  const column = route.target.columns.find((candidate) => candidate.name === name)
  if (!column?.typeSql.startsWith('pg_catalog.') || !column.typeText.includes('(')) return null
  return column.typeText
}

/** A few buckets at a time, so that only a share of the rows is ever in memory. */
async function namedDifferences(
  { left, right }: { readonly left: Side; readonly right: Side },
  named: number,
): Promise<Pick<TableComparison, 'differing' | 'keys'>> {
  const buckets = differingBuckets(...(await Promise.all([left.buckets(), right.buckets()])))
  const keys: Difference[] = []
  let differing = 0
  for (let i = 0; i < buckets.length; i += 64) {
    const some = buckets.slice(i, i + 64)
    const [expected, actual] = await Promise.all([left.hashes(some), right.hashes(some)])
    const differences = differencesOf({ expected, found: actual })
    differing += differences.length
    keys.push(...differences.slice(0, named - keys.length))
  }
  return { differing, keys }
}
