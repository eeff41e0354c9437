/**
 * Changes in one table of the source: which rows are there now, and which have gone.
 *
 * The log is read before the rows, never after them: a row counts as gone only if a later look does
 * not find it. The head of feed-round.ts explains why that is enough.
 */

import { contextOf } from '../../attempt/context.ts'
import type { Shard } from '../../attempt/shard.ts'
import type { ChangedRow, Since } from '../../ends/feed.ts'
import type { Texts } from '../../ends/tenant-rows.ts'
import { batchWeightMax, weightOf } from '../../ends/weight.ts'
import { mapperOf } from '../../transform/text-transform.ts'
import { feedOf } from '../feeds.ts'
import {
  keyColumns,
  readerOf,
  type SourceKeys,
  sourceKeysOf,
  type Touched,
  touch,
  touchParent,
} from './feed-keys.ts'

export interface MappedRow {
  /** The key at the target. */
  readonly key: Texts
  readonly texts: Texts
  readonly columns: readonly string[]
}

export interface Changed {
  /** Target keys of rows that were there, and of which nothing has come in their place. */
  readonly gone: readonly Texts[]
  /** Parent keys at the target whose children go and come again. */
  readonly parents: readonly Texts[]
  /** null: they are more than can be held here, and have to be read again. */
  readonly rows: readonly MappedRow[] | null
  /** Some of these children stand in no log, so that they come only with the next pass. */
  readonly swept: boolean
}

export async function readChanged(shard: Shard, touched: Touched, since: Since): Promise<Changed> {
  const before = await readBefore(shard, touched, since)
  const rows: MappedRow[] = []
  let weight = 0
  for await (const page of nowPages(shard, touched, since)) {
    for (const { row, keys, children } of page) {
      touched.source.add(keys.source)
      if (!row) continue
      touched.target.add(row.key)
      before.gone.delete(nameOf(row.key))
      before.left.delete(nameOf(keys.child))
      if (children) before.addParent(keys)
      weight += weightOf(row.texts)
      if (weight > batchWeightMax) rows.length = 0
      else rows.push(row)
    }
  }
  // Most rows that the second look did not find have gone since the first, and are logged by now.
  if (before.left.size > 0) await readLeaving(shard, touched, { since, before })
  const swept = [...before.left.values()].filter(({ child }) => !before.parents.has(nameOf(child)))
  for (const keys of swept) before.addParent(keys)
  return {
    gone: [...before.gone.values()],
    parents: [...before.parents.values()],
    rows: weight > batchWeightMax ? null : rows,
    swept: swept.length > 0,
  }
}

/** Log entries, until the rows that are there are known. */
interface Before {
  readonly gone: Map<string, Texts>
  readonly parents: Map<string, Texts>
  /** Parent keys of rows whose entries have nothing about their children. */
  readonly left: Map<string, ParentKeys>
  addParent(keys: ParentKeys): void
}

interface ParentKeys extends SourceKeys {
  readonly child: Texts
}

async function readBefore(shard: Shard, touched: Touched, since: Since): Promise<Before> {
  const { table } = touched
  const reader = readerOf(shard, table)
  const parents = new Map<string, Texts>()
  const before: Before = {
    gone: new Map(),
    parents,
    left: new Map(),
    addParent(keys) {
      touchParent(touched, keys)
      if (keys.child.length > 0) parents.set(nameOf(keys.child), keys.child)
    },
  }
  const request = {
    table: table.route.source.name,
    kind: 'before',
    columns: reader.columns,
  } as const
  const pages = feedOf(shard, 'source').changes({ ...since, ...request, signal: shard.signal })
  for await (const page of pages) {
    for (const row of page) {
      const { target, child, ...source } = touch(touched, row, reader)
      if (!target) continue
      before.gone.set(nameOf(target), target)
      if (!child || child.length === 0) continue
      if (row.children) before.addParent({ ...source, child })
      else before.left.set(nameOf(child), { ...source, child })
    }
  }
  return before
}

/** Reads the log once more, for what it has by now on rows that are not there. */
async function readLeaving(
  shard: Shard,
  { table }: Touched,
  { since, before }: { readonly since: Since; readonly before: Before },
): Promise<void> {
  const reader = readerOf(shard, table)
  const request = {
    table: table.route.source.name,
    kind: 'before',
    columns: reader.columns,
  } as const
  const pages = feedOf(shard, 'source').changes({ ...since, ...request, signal: shard.signal })
  for await (const page of pages) {
    for (const { texts, children } of page) {
      const { child } = reader.read(texts)
      const left = children && child ? before.left.get(nameOf(child)) : undefined
      if (left) before.addParent(left)
    }
  }
}

function nameOf(texts: Texts): string {
  return JSON.stringify(texts)
}

/** Where rows are more than can be held: as they are by then, page after page. */
export async function* rereadNow(
  shard: Shard,
  touched: Touched,
  since: Since,
): AsyncGenerator<MappedRow[]> {
  for await (const page of nowPages(shard, touched, since)) {
    const rows = page.flatMap(({ row }) => row ?? [])
    if (rows.length > 0) yield rows
  }
}

interface NowRow {
  /** null: the plan leaves it behind. */
  readonly row: MappedRow | null
  readonly keys: ParentKeys
  readonly children: boolean
}

async function* nowPages(shard: Shard, { table }: Touched, since: Since): AsyncGenerator<NowRow[]> {
  const { route, childKey } = table
  const mapper = mapperOf(route, contextOf(shard), { plainRows: false })
  const columns = [...route.columns, ...keyColumns(table)]
  const request = { ...since, table: route.source.name, kind: 'now', columns } as const
  const width = route.columns.length
  const read = ({ texts, children }: ChangedRow): NowRow => {
    const [mapped] = mapper.map([texts.slice(0, width)])
    const source = sourceKeysOf(table, texts.slice(width))
    if (!mapped) return { row: null, keys: { ...source, child: [] }, children }
    const filled = mapper.columns()
    const at = (name: string) => mapped[filled.indexOf(name)] ?? null
    const row = { key: route.targetKey.map(at), texts: mapped, columns: filled }
    return { row, keys: { ...source, child: childKey.target.map(at) }, children }
  }
  const pages = feedOf(shard, 'source').changes({ ...request, signal: shard.signal })
  for await (const page of pages) yield page.map(read)
}
