/**
 * The rows that the target must hold after a transform, without looking at what was copied: the
 * rows are read again, transformed a second time, and turned into the target's own types by the
 * target, which then makes the digest. No COPY is on this way.
 */

import {
  addBuckets,
  addDigests,
  type Buckets,
  type Digest,
  type HashFunction,
  noRows,
} from '../ends/digest.ts'
import type { Compared, ComparedColumn, Digests, Page, Reading, Rows, Side } from '../ends/rows.ts'
import type { Texts } from '../ends/tenant-rows.ts'
import { byWeight } from '../ends/weight.ts'
import { itemAt } from '../known.ts'
import { heard } from '../parallel.ts'
import type { Route } from '../plan/routing/route.ts'
import type { TransformContext } from '../plan/transform-context.ts'
import type { Renumber } from './renumber.ts'
import type { TextMapper } from './text-mapper.ts'
import { mapperOf } from './text-transform.ts'

/** Where rows are read, and what makes digests of what becomes of them. */
interface Ways {
  readonly source: Rows
  readonly hasher: Digests
}

interface Work {
  readonly route: Route
  readonly context: TransformContext
  /** The rows to read from the source. */
  readonly reading: Omit<Reading, 'key' | 'columns' | 'after'>
  readonly hash: HashFunction
  readonly renumber: Renumber
  /** Given each page as it was read, before anything is made of it. */
  readonly onRead?: ((rows: readonly Texts[]) => void) | undefined
}

export interface Expected extends Side {
  /** The target's columns that are filled: only these are compared. */
  columns(): readonly string[]
}

/** Each look reads all rows again. */
export function expectedSide(ends: Ways, work: Work): Expected {
  let columns: readonly string[] = []
  const look = async (visit: (side: Side) => Promise<void>) => {
    columns = await eachPage(ends, work, visit)
  }
  return {
    columns: () => columns,
    async digest() {
      let sum: Digest = noRows
      await look(async (side) => {
        sum = addDigests(sum, await side.digest())
      })
      return sum
    },
    async buckets() {
      let all: Buckets = new Map()
      await look(async (side) => {
        all = addBuckets(all, await side.buckets())
      })
      return all
    },
    async hashes(some) {
      const hashes = new Map<string, string>()
      await look(async (side) => {
        for (const [key, hash] of await side.hashes(some)) hashes.set(key, hash)
      })
      return hashes
    },
  }
}

/** The source reads a page, and the target hashes another, while a third is transformed here. */
async function eachPage(
  { source, hasher }: Ways,
  { route, context, reading, hash, renumber, onRead }: Work,
  visit: (side: Side) => Promise<void>,
): Promise<readonly string[]> {
  // Unlike the copy's: what one row leaves on another in there would be seen here.
  const mapper = mapperOf(route, context, { plainRows: true })
  const { columns } = route
  // Groups come together only in their order.
  const key = route.stream?.by.length ? route.sourceKey : []
  const first = { rowsRead: 0, cursor: null }
  const pages = heardPages(source.pages({ ...reading, columns, key, after: first }), onRead)
  let visiting: Promise<void> = Promise.resolve()
  for await (const rows of mapped(pages, renumber, mapper)) {
    // One row may become many, and a small one a large one.
    for (const part of byWeight(rows, (row) => row)) {
      reading.signal.throwIfAborted()
      const side = hasher.side(givenRows(route, mapper, { given: part, hash }))
      await visiting
      visiting = heard(visit(side))
    }
  }
  await visiting
  return mapper.columns()
}

async function* heardPages(
  pages: AsyncIterable<Page>,
  onRead: Work['onRead'],
): AsyncGenerator<Page> {
  for await (const page of pages) {
    onRead?.(page.rows)
    yield page
  }
}

async function* mapped(
  pages: AsyncIterable<Page>,
  renumber: Renumber,
  mapper: TextMapper,
): AsyncGenerator<Texts[]> {
  for await (const { rows } of pages) yield mapper.map(await renumber(rows), rows)
  yield mapper.end()
}

/** Rows that are nowhere yet, as values of the target's types. */
function givenRows(
  route: Route,
  mapper: TextMapper,
  { given, hash }: { given: readonly Texts[]; hash: HashFunction },
): Compared {
  const names = mapper.columns()
  const columns = names.map((name, i) => givenColumn(route, name, i))
  const key = comparisonKey(route, names).map((name) => itemAt(columns, names.indexOf(name)))
  return { of: { table: route.target, given }, key, columns, hash }
}

/** Keys of the target, to be written as it writes them. */
export function givenKeys(
  route: Route,
  { given, hash }: { readonly given: readonly Texts[]; readonly hash: HashFunction },
): Compared {
  const columns = route.targetKey.map((name, i) => givenColumn(route, name, i))
  return { of: { table: route.target, given }, key: columns, columns, hash }
}

/** A column with its type modifier: numeric(10,2) makes 1.00 of 1. */
function givenColumn(route: Route, name: string, index: number): ComparedColumn {
  const column = route.target.columns.find((candidate) => candidate.name === name)
  const { typeSql = 'pg_catalog.text', typeText = 'text' } = column ?? {}
  return { sql: `r.c${index}`, from: name, typeSql, cast: typeText }
}

/** The columns that tell rows apart: the target's key if it is compared, else the whole row. */
export function comparisonKey(route: Route, columns: readonly string[]): readonly string[] {
  const keyed =
    route.targetKey.length > 0 && route.targetKey.every((name) => columns.includes(name))
  return keyed ? route.targetKey : columns
}
