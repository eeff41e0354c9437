/** Rows that have changed since a position, as a comparison names them. */

import { contextOf } from '../../attempt/context.ts'
import { tenantRows } from '../../attempt/planned-rows.ts'
import type { Shard } from '../../attempt/shard.ts'
import { allBuckets } from '../../ends/digest.ts'
import { digestsOf } from '../../ends/end.ts'
import type { Since } from '../../ends/feed.ts'
import { readKeyOf } from '../../ends/read-digest.ts'
import type { KeyList, Texts } from '../../ends/tenant-rows.ts'
import { known } from '../../known.ts'
import { asItIs } from '../../plan/routing/columns.ts'
import type { TenantPath } from '../../plan/routing/path.ts'
import type { Route } from '../../plan/routing/route.ts'
import { givenKeys } from '../../transform/expected-rows.ts'
import { keyReader } from '../../transform/key-reader.ts'
import { dueTables } from './feed-due.ts'
import { isFull, type KeySet, keyLists, type Touched, touchedSince } from './feed-keys.ts'

export interface Changing {
  /** Keys of the rows that are found, as their end writes them. */
  readonly written: ReadonlySet<string>
  /** Keys of the rows that are read, as a check of what was read names them. */
  readonly read: ReadonlySet<string>
}

export const nothingChanges: Changing = { written: new Set(), read: new Set() }

/** Table → keys of rows that have changed since. null: more than can be held. */
export async function changingKeys(
  shard: Shard,
  since: Since,
): Promise<ReadonlyMap<string, Changing> | null> {
  const changing = new Map<string, Changing>()
  const all: Touched[] = []
  for (const table of (await dueTables(shard, since)).tables) {
    const touched = await touchedSince(shard, table, since)
    const { route } = table
    // Rows depend on their parents at the target, too, and go with them without a trace of their
    // own.
    const hanging = await rowsUnder(shard, table, underParents(route, all))
    for (const { child } of hanging) if (child.length > 0) touched.parents.add(child)
    if (isFull(touched)) return null
    all.push(touched)
    const own = shard.goesBack ? touched.source.values() : touched.target.values()
    const keys = [...own, ...hanging.flatMap(({ key }) => (key ? [key] : []))]
    // The plan's own way leads to where the tenant has written, if it goes back.
    const there = shard.goesBack ? known(route.backOf) : route
    const end = shard.goesBack ? shard.ends.source : shard.ends.target
    const written = new Set<string>()
    for (const { values } of keyLists(there.targetKey, keys)) {
      const compared = givenKeys(there, { given: values, hash: shard.survey.hash })
      const side = digestsOf(end).side(compared)
      for (const key of (await side.hashes(allBuckets)).keys()) written.add(key)
    }
    // Where the tenant has written, if it goes back, rows are found, and read at the other end.
    const read = shard.goesBack ? [] : touched.source.values().map((key) => readKeyOf(route, key))
    changing.set(there.target.name, { written, read: new Set(read) })
  }
  return changing
}

/** Rows of a table at the target that find their tenant through parents which came or went. */
export function underParents({ targetPath }: Route, all: readonly Touched[]): KeyList[] {
  const parents = (one: Touched) => one.table.route.target.name
  return under(targetPath, all, { name: parents, keys: (one) => one.parents })
}

/** The rows of the same parents at the source. */
export function underSourceParents({ sourcePath }: Route, all: readonly Touched[]): KeyList[] {
  const parents = (one: Touched) => one.table.route.source.name
  return under(sourcePath, all, { name: parents, keys: (one) => one.sourceParents })
}

interface ParentsAt {
  name(one: Touched): string
  keys(one: Touched): KeySet
}

function under(path: TenantPath, all: readonly Touched[], at: ParentsAt): KeyList[] {
  if (path.kind !== 'through') return []
  const parent = all.find((one) => at.name(one) === path.parent)
  if (!parent) return []
  const { columns } = at.keys(parent)
  const values = at
    .keys(parent)
    .values()
    .map((texts) => path.parentColumns.map((name) => texts[columns.indexOf(name)] ?? null))
  return keyLists(path.columns, values)
}

interface Hanging {
  /** The key in a comparison's form; null: the plan has left the row behind. */
  readonly key: Texts | null
  readonly child: Texts
}

async function rowsUnder(
  shard: Shard,
  { route, childKey }: Touched['table'],
  lists: readonly KeyList[],
): Promise<Hanging[]> {
  const hanging: Hanging[] = []
  const { backOf } = route
  const as = (name: string) => asItIs({ name, typeName: 'text' })
  const made = shard.goesBack && backOf ? backOf.columns : route.targetKey.map(as)
  const read =
    shard.goesBack && backOf
      ? keyReader(backOf, backOf.targetKey, contextOf(shard))
      : (texts: Texts) => texts
  for (const keys of lists) {
    const reading = { ...tenantRows(shard, route, 'target'), keys, key: route.targetKey }
    const columns = [...made, ...childKey.target.map(as)]
    const of = { columns, after: { rowsRead: 0, cursor: null }, signal: shard.signal }
    for await (const { rows } of shard.ends.target.rows.pages({ ...reading, ...of })) {
      for (const texts of rows) {
        hanging.push({ key: read(texts.slice(0, made.length)), child: texts.slice(made.length) })
      }
    }
  }
  return hanging
}
