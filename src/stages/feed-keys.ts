/** Keys of rows that have changed, as both ends know them. */
import type { ChangedRow, Since } from '../endpoints/feed.ts'
import { keyReader } from '../endpoints/sql/brought-keys.ts'
import type { ChangedTable } from '../endpoints/sql/changes.ts'
import type { KeyList, Texts } from '../endpoints/tenant-rows.ts'
import { asItIs, type ColumnRoute } from '../plan/columns.ts'
import type { Route } from '../plan/route.ts'
import { contextOf } from './context.ts'
import { feedOf } from './feeds.ts'
import type { Shard } from './shard.ts'

/** Up to so many are held, and compared one by one. */
const keysMax = 20_000

/** Different keys; more of them than can be held are not known any more. */
export class KeySet {
  readonly columns: readonly string[]
  private readonly known = new Map<string, Texts>()
  isFull = false

  constructor(columns: readonly string[]) {
    this.columns = columns
  }

  add(texts: Texts): void {
    if (this.isFull) return
    this.known.set(JSON.stringify(texts), texts)
    if (this.known.size > keysMax) {
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

export function keyLists(columns: readonly string[], values: readonly Texts[]): KeyList[] {
  const lists: KeyList[] = []
  for (let i = 0; i < values.length; i += listMax) {
    lists.push({ columns, values: values.slice(i, i + listMax) })
  }
  return lists
}

/** Of one table, what a round has had to do with. */
export interface Touched {
  readonly table: ChangedTable
  /** As the source knows the rows, that are there and that have gone. */
  readonly source: KeySet
  readonly target: KeySet
  /** By what rows at the target find their tenant, who have come or gone with these. */
  readonly parents: KeySet
  /** Keys at the target that nobody has taken again. */
  readonly gone: Texts[]
}

export function nothingTouched(table: ChangedTable): Touched {
  const { route, childKey } = table
  return {
    table,
    source: new KeySet(route.sourceKey),
    target: new KeySet(route.targetKey),
    parents: new KeySet(childKey.target),
    gone: [],
  }
}

export function isFull({ source, target, parents }: Touched): boolean {
  return source.isFull || target.isFull || parents.isFull
}

export interface KeysOfRow {
  readonly source: Texts
  /** null: the plan leaves the row behind. */
  readonly target: Texts | null
  readonly child: Texts | null
}

export interface RowReader {
  readonly columns: readonly ColumnRoute[]
  read(texts: Texts): KeysOfRow
}

/** Reads no more of a row than its keys are made of. */
export function readerOf(shard: Shard, { route, childKey }: ChangedTable): RowReader {
  const names = [...route.targetKey, ...childKey.target]
  const made = route.transform ? route.columns : columnsFor(route, names)
  const map = route.transform ? keyReader(route, names, contextOf(shard)) : (texts: Texts) => texts
  return {
    columns: [...made, ...keyColumns(route)],
    read(texts) {
      const mapped = map(texts.slice(0, made.length))
      return {
        source: texts.slice(made.length),
        target: mapped?.slice(0, route.targetKey.length) ?? null,
        child: mapped?.slice(route.targetKey.length) ?? null,
      }
    },
  }
}

function columnsFor({ columns }: Route, names: readonly string[]): ColumnRoute[] {
  return names.map((name) => {
    const found = columns.find((column) => column.name === name)
    return found ?? { ...asItIs({ name, typeName: 'text' }), from: null, expression: 'null::text' }
  })
}

/** Of the source's key, behind what a row is made of. */
export function keyColumns({ source, sourceKey }: Route): ColumnRoute[] {
  return sourceKey.map((name) => {
    const column = source.columns.find((candidate) => candidate.name === name)
    return asItIs({ name, typeName: column?.typeName ?? 'text' })
  })
}

/** All that have changed since, as they were and as they are. */
export async function touchedSince(
  shard: Shard,
  table: ChangedTable,
  since: Since,
): Promise<Touched> {
  const touched = nothingTouched(table)
  for (const kind of ['before', 'now'] as const) {
    const reader = readerOf(shard, table)
    const asked = { ...since, table: table.route.source.name, kind, columns: reader.columns }
    const pages = feedOf(shard, 'source').changes({ ...asked, signal: shard.signal })
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
  if (children && keys.child && keys.child.length > 0) touched.parents.add(keys.child)
  return keys
}
