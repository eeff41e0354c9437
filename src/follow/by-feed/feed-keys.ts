/** Keys of rows that have changed, as both ends know them. */

import { contextOf } from '../../attempt/context.ts'
import type { Shard } from '../../attempt/shard.ts'
import type { ChangedRow, Since } from '../../ends/feed.ts'
import type { ChangedTable } from '../../ends/postgres/changes/changes.ts'
import type { KeyList, Texts } from '../../ends/tenant-rows.ts'
import { batchWeightMax, byWeight, weightOf } from '../../ends/weight.ts'
import { asItIs, type ColumnRoute } from '../../plan/routing/columns.ts'
import type { Route } from '../../plan/routing/route.ts'
import { keyReader } from '../../transform/key-reader.ts'
import { feedOf } from '../feeds.ts'

/** Up to so many are held, and compared one by one, if they are not too heavy. */
const keysMax = 20_000
const keysWeightMax = 4 * batchWeightMax

/** A set of keys. If there are more than can be held, it is unknown which. */
export class KeySet {
  readonly columns: readonly string[]
  private readonly known = new Map<string, Texts>()
  private weight = 0
  isFull = false

  constructor(columns: readonly string[]) {
    this.columns = columns
  }

  add(texts: Texts): void {
    if (this.isFull) return
    const name = JSON.stringify(texts)
    if (!this.known.has(name)) this.weight += weightOf(texts)
    this.known.set(name, texts)
    if (this.known.size > keysMax || this.weight > keysWeightMax) {
      this.isFull = true
      this.known.clear()
    }
  }

  has(texts: Texts): boolean {
    return this.known.has(JSON.stringify(texts))
  }

  values(): Texts[] {
    return [...this.known.values()]
  }

  /** A few at a time, as a request names them. */
  lists(): KeyList[] {
    return keyLists(this.columns, this.values())
  }
}

const listMax = 1_000

/** None is longer, or heavier, than a request should be. */
export function keyLists(columns: readonly string[], values: readonly Texts[]): KeyList[] {
  const lists = byWeight(values, (texts) => texts, { rowsMax: listMax })
  return [...lists].map((some) => ({ columns, values: some }))
}

/** The rows of one table that a round has touched. */
export interface Touched {
  readonly table: ChangedTable
  /** Source keys of the rows, of those that are there and of those that have gone. */
  readonly source: KeySet
  readonly target: KeySet
  /** Parent keys of target rows that were inserted or deleted together with these rows. */
  readonly parents: KeySet
  /** Keys of the same parents, as rows of the source refer to them. */
  readonly sourceParents: KeySet
  /** Keys at the target that no row has taken again. */
  readonly gone: Texts[]
}

export function nothingTouched(table: ChangedTable): Touched {
  const { route, childKey } = table
  return {
    table,
    source: new KeySet(route.sourceKey),
    target: new KeySet(route.targetKey),
    parents: new KeySet(childKey.target),
    sourceParents: new KeySet(childKey.source),
    gone: [],
  }
}

export function isFull({ source, target, parents, sourceParents }: Touched): boolean {
  return source.isFull || target.isFull || parents.isFull || sourceParents.isFull
}

/** Source keys of a row, and of the rows that find their tenant through it. */
export interface SourceKeys {
  readonly source: Texts
  readonly sourceChild: Texts
}

export interface KeysOfRow extends SourceKeys {
  /** null: the plan leaves the row behind. */
  readonly target: Texts | null
  readonly child: Texts | null
}

export interface RowReader {
  readonly columns: readonly ColumnRoute[]
  read(texts: Texts): KeysOfRow
}

/** Reads no more of a row than its keys are made of. */
export function readerOf(shard: Shard, table: ChangedTable): RowReader {
  const { route, childKey } = table
  const names = [...route.targetKey, ...childKey.target]
  const made = route.transform ? route.columns : columnsFor(route, names)
  const map = route.transform ? keyReader(route, names, contextOf(shard)) : (texts: Texts) => texts
  return {
    columns: [...made, ...keyColumns(table)],
    read(texts) {
      const mapped = map(texts.slice(0, made.length))
      return {
        ...sourceKeysOf(table, texts.slice(made.length)),
        target: mapped?.slice(0, route.targetKey.length) ?? null,
        child: mapped?.slice(route.targetKey.length) ?? null,
      }
    },
  }
}

function columnsFor({ columns }: Route, names: readonly string[]): ColumnRoute[] {
  return names.map((name) => {
    const ownColumn = columns.find((column) => column.name === name)
    return (
      ownColumn ?? { ...asItIs({ name, typeName: 'text' }), from: null, expression: 'null::text' }
    )
  })
}

/** Columns of the source's keys, which are read behind those that a row is made of. */
export function keyColumns({ route, childKey }: ChangedTable): ColumnRoute[] {
  return [...route.sourceKey, ...childKey.source].map((name) => {
    const column = route.source.columns.find((candidate) => candidate.name === name)
    return asItIs({ name, typeName: column?.typeName ?? 'text' })
  })
}

/** Parses the values of `keyColumns`. */
export function sourceKeysOf({ route }: ChangedTable, texts: Texts): SourceKeys {
  const width = route.sourceKey.length
  return { source: texts.slice(0, width), sourceChild: texts.slice(width) }
}

/**
 * Reads the keys of all rows that have changed since, before and after each change.
 *
 * Current rows are read first, and the log last. A key that a row had at a moment before this call
 * is then found in any case: either the row has it still, or the change that took it away was
 * logged before the log is read.
 */
export async function touchedSince(
  shard: Shard,
  table: ChangedTable,
  since: Since,
): Promise<Touched> {
  const touched = nothingTouched(table)
  for (const kind of ['now', 'before'] as const) {
    const reader = readerOf(shard, table)
    const request = { ...since, table: table.route.source.name, kind, columns: reader.columns }
    const pages = feedOf(shard, 'source').changes({ ...request, signal: shard.signal })
    for await (const rows of pages) for (const row of rows) touch(touched, row, reader)
  }
  return touched
}

export function touch(
  touched: Touched,
  { texts, children }: ChangedRow,
  reader: RowReader,
): KeysOfRow {
  const keys = reader.read(texts)
  touched.source.add(keys.source)
  if (keys.target) touched.target.add(keys.target)
  if (children) touchParent(touched, keys)
  return keys
}

export function touchParent(
  touched: Touched,
  { child, sourceChild }: Pick<KeysOfRow, 'child' | 'sourceChild'>,
): void {
  if (child && child.length > 0) touched.parents.add(child)
  if (sourceChild.length > 0) touched.sourceParents.add(sourceChild)
}
