/**
 * What has changed in one table comes to the target, in as few steps as it takes: first go those
 * rows that nobody brings again, then come those that are there. Keys of the latter are known
 * before the former go, so that no row goes that another has taken the place of.
 */
import { rowsOf } from '../endpoints/ends.ts'
import type { Application, Applied, Feed, Since } from '../endpoints/feed.ts'
import { keyReader } from '../endpoints/sql/brought-keys.ts'
import type { ChangedTable } from '../endpoints/sql/changes.ts'
import type { Texts } from '../endpoints/tenant-rows.ts'
import { mapperOf } from '../endpoints/text-transform.ts'
import { asItIs } from '../plan/columns.ts'
import { columnsLeft } from '../plan/way-back.ts'
import { contextOf } from './context.ts'
import { keyColumns, keyLists, readerOf, type Touched, touch } from './feed-keys.ts'
import { feedOf } from './feeds.ts'
import { tenantRows } from './rows.ts'
import { holdOf, type Shard } from './shard.ts'

/** Counts the steps of a sync: each is the next one. */
export interface Steps {
  last: number
}

export interface Bringing {
  readonly since: Since
  readonly steps: Steps
  /** Nothing stays. */
  readonly undone: boolean
}

export interface BroughtRow {
  /** As the target knows it. */
  readonly key: Texts
  readonly texts: Texts
}

export interface Brought {
  readonly removed: number
  readonly brought: number
  /** Rows that collide with others still. */
  readonly collided: readonly BroughtRow[]
  /** Whoever hangs on a row that was left out for a while has gone with it. */
  readonly lacking: boolean
  /** Column with a sequence → the largest id that came. */
  readonly ids: ReadonlyMap<string, bigint>
}

/** Far below what an end takes at once. */
const charactersMax = 8 * 1024 * 1024
const rowsMax = 5_000

export async function bringTable(
  shard: Shard,
  touched: Touched,
  bringing: Bringing,
): Promise<Brought> {
  const { table } = touched
  const work = workOn(shard, table, bringing)
  const now = await readNow(shard, touched, bringing)
  const gone = await readBefore(shard, touched, { bringing, now: now.keys })
  const parents = distinct([...now.parents, ...gone.parents])
  if (now.rows && now.rows.length + gone.keys.length + parents.length <= work.atOnce) {
    await work.step({ gone: gone.keys, parents, rows: now.rows })
  } else {
    // While parents stand it can be told who hangs on them.
    for (const some of chunks(parents, work.atOnce)) await work.step({ parents: some })
    for (const some of chunks(gone.keys, work.atOnce)) await work.step({ gone: some })
    const pages = now.rows ? chunks(now.rows, work.atOnce) : rereadNow(shard, touched, bringing)
    for await (const rows of pages) {
      for (const some of chunks(rows, work.atOnce)) await work.step({ rows: some })
    }
  }
  for (const key of gone.keys) touched.gone.push(key)
  return await work.end()
}

interface Step {
  readonly gone?: readonly Texts[]
  readonly parents?: readonly Texts[]
  readonly rows?: readonly MappedRow[]
}

interface MappedRow extends BroughtRow {
  readonly columns: readonly string[]
}

function workOn(shard: Shard, { route, childKey }: ChangedTable, { steps, undone }: Bringing) {
  const target = feedOf(shard, 'target')
  const counts = { removed: 0, brought: 0 }
  const ids = new Map<string, bigint>()
  let collided: MappedRow[] = []
  let lacking = false
  const step = async ({ gone = [], parents = [], rows = [] }: Step) => {
    shard.signal.throwIfAborted()
    const remove = await withoutLeftBehind(shard, route, [...gone, ...rows.map(({ key }) => key)])
    const change = {
      ...{ ...holdOf(shard), epoch: shard.epoch, table: route.target.name, undone },
      ...{ key: route.targetKey, remove, keep: columnsLeft(route) },
      parents: { columns: childKey.target, values: parents },
      columns: rows[0]?.columns ?? [],
      rows: rows.map(({ texts }) => texts),
    }
    const applied = await applyNext(target, steps, change)
    counts.removed += applied.removed
    counts.brought += applied.brought
    for (const i of applied.collided) collided.push(rows[i] as MappedRow)
    if (applied.collided.length > 0 && childKey.target.length > 0) lacking = true
    noteIds(ids, route, rows)
  }
  const atOnce = Math.min(rowsMax, rowsOf(shard.ends.target).batchRows)
  return {
    atOnce,
    step,
    async end(): Promise<Brought> {
      // By now those have gone, or changed, whose values they have.
      const again = collided
      collided = []
      for (const rows of chunks(again, atOnce)) await step({ rows })
      return { ...counts, collided, lacking: lacking || collided.length > 0, ids }
    },
  }
}

async function applyNext(
  target: Feed,
  steps: Steps,
  change: Omit<Application, 'step'>,
): Promise<Applied> {
  const step = steps.last + 1
  const applied = await target.apply({ ...change, step })
  // What is undone leaves no step behind.
  if (!change.undone) steps.last = step
  return applied
}

function noteIds(
  ids: Map<string, bigint>,
  route: ChangedTable['route'],
  rows: readonly MappedRow[],
): void {
  const [first] = rows
  for (const { name, sequence } of route.target.columns) {
    const at = first?.columns.indexOf(name) ?? -1
    if (sequence === null || at === -1) continue
    for (const { texts } of rows) {
      const text = texts[at] ?? null
      if (text === null || !/^\d+$/.test(text)) continue
      const id = BigInt(text)
      if (id > (ids.get(sequence) ?? 0n)) ids.set(sequence, id)
    }
  }
}

interface Now {
  readonly keys: ReadonlySet<string>
  readonly parents: Texts[]
  /** null: they are more than can be held here, and have to be read again. */
  readonly rows: MappedRow[] | null
}

async function readNow(shard: Shard, touched: Touched, bringing: Bringing): Promise<Now> {
  const keys = new Set<string>()
  const parents: Texts[] = []
  let rows: MappedRow[] | null = []
  let characters = 0
  for await (const page of nowPages(shard, touched, bringing)) {
    for (const { row, children, source, child } of page) {
      touched.source.add(source)
      if (!row) continue
      keys.add(JSON.stringify(row.key))
      touched.target.add(row.key)
      if (children && child.length > 0) {
        parents.push(child)
        touched.parents.add(child)
      }
      characters += row.texts.reduce((sum, text) => sum + (text?.length ?? 0) + 3, 0)
      if (characters > charactersMax) rows = null
      rows?.push(row)
    }
  }
  return { keys, parents, rows }
}

async function* rereadNow(
  shard: Shard,
  touched: Touched,
  bringing: Bringing,
): AsyncGenerator<MappedRow[]> {
  for await (const page of nowPages(shard, touched, bringing)) {
    const rows = page.flatMap(({ row }) => row ?? [])
    if (rows.length > 0) yield rows
  }
}

interface NowRow {
  readonly source: Texts
  /** null: the plan leaves it behind. */
  readonly row: MappedRow | null
  readonly children: boolean
  readonly child: Texts
}

async function* nowPages(
  shard: Shard,
  { table: { route, childKey } }: Touched,
  { since }: Bringing,
): AsyncGenerator<NowRow[]> {
  const mapper = mapperOf(route, contextOf(shard), { plainRows: false })
  const columns = [...route.columns, ...keyColumns(route)]
  const asked = { ...since, table: route.source.name, kind: 'now', columns } as const
  const width = route.columns.length
  const pages = feedOf(shard, 'source').changes({ ...asked, signal: shard.signal })
  for await (const page of pages) {
    yield page.map(({ texts, children }) => {
      const [mapped] = mapper.map([texts.slice(0, width)])
      const source = texts.slice(width)
      if (!mapped) return { source, row: null, children, child: [] }
      const filled = mapper.columns()
      const at = (name: string) => mapped[filled.indexOf(name)] ?? null
      const row = { key: route.targetKey.map(at), texts: mapped, columns: filled }
      return { source, row, children, child: childKey.target.map(at) }
    })
  }
}

interface Before {
  /** Of rows that were there, and of which nothing has come in their place. */
  readonly keys: Texts[]
  readonly parents: Texts[]
}

async function readBefore(
  shard: Shard,
  touched: Touched,
  { bringing, now }: { readonly bringing: Bringing; readonly now: ReadonlySet<string> },
): Promise<Before> {
  const { table } = touched
  const reader = readerOf(shard, table)
  const [keys, parents] = [new Map<string, Texts>(), new Map<string, Texts>()]
  const asked = { table: table.route.source.name, kind: 'before', columns: reader.columns } as const
  const pages = feedOf(shard, 'source').changes({
    ...bringing.since,
    ...asked,
    signal: shard.signal,
  })
  for await (const page of pages) {
    for (const row of page) {
      const { target, child } = touch(touched, row, reader)
      if (!target) continue
      const name = JSON.stringify(target)
      if (!now.has(name)) keys.set(name, target)
      if (row.children && child && child.length > 0) parents.set(JSON.stringify(child), child)
    }
  }
  return { keys: [...keys.values()], parents: [...parents.values()] }
}

/**
 * Rows there that the plan had left behind are nobody's at the other end, and stay. Where others
 * have got such a key since, the row that comes collides with them.
 */
async function withoutLeftBehind(
  shard: Shard,
  route: ChangedTable['route'],
  keys: readonly Texts[],
): Promise<readonly Texts[]> {
  const { backOf, targetKey } = route
  if (!backOf?.transform || keys.length === 0) return keys
  const read = keyReader(backOf, backOf.targetKey, contextOf(shard))
  const width = backOf.columns.length
  const own = targetKey.map((name) => asItIs({ name, typeName: 'text' }))
  const spared = new Set<string>()
  for (const list of keyLists(targetKey, keys)) {
    const reading = { ...tenantRows(shard, route, 'target'), keys: list, key: targetKey }
    const of = { columns: [...backOf.columns, ...own], after: { rowsRead: 0, cursor: null } }
    const pages = rowsOf(shard.ends.target).pages({ ...reading, ...of, signal: shard.signal })
    for await (const { rows } of pages) {
      for (const texts of rows) {
        if (read(texts.slice(0, width)) === null) spared.add(JSON.stringify(texts.slice(width)))
      }
    }
  }
  return spared.size === 0 ? keys : keys.filter((key) => !spared.has(JSON.stringify(key)))
}

function distinct(values: readonly Texts[]): Texts[] {
  return [...new Map(values.map((texts) => [JSON.stringify(texts), texts])).values()]
}

function chunks<T>(values: readonly T[], size: number): T[][] {
  const found: T[][] = []
  for (let i = 0; i < values.length; i += size) found.push(values.slice(i, i + size))
  return found
}
