/**
 * Brings what has changed in one table to the target, in as few steps as it takes: first go those
 * rows that do not come again, then come those that are there. Keys of the latter are known
 * before the former go, so that no row goes that another has taken the place of.
 */

import { contextOf } from '../../attempt/context.ts'
import { tenantRows } from '../../attempt/planned-rows.ts'
import { holdOf, type Shard } from '../../attempt/shard.ts'
import type { Application, Applied, Feed, Since } from '../../ends/feed.ts'
import type { ChangedTable } from '../../ends/postgres/changes/changes.ts'
import { descends } from '../../ends/postgres/copy/sequences.ts'
import type { Texts } from '../../ends/tenant-rows.ts'
import { batchWeightMax, byWeight, weightOf } from '../../ends/weight.ts'
import { itemAt } from '../../known.ts'
import { asItIs } from '../../plan/routing/columns.ts'
import { columnsLeft } from '../../plan/routing/way-back.ts'
import { keyReader } from '../../transform/key-reader.ts'
import { feedOf } from '../feeds.ts'
import { keyLists, type Touched } from './feed-keys.ts'
import { type MappedRow, readChanged, rereadNow } from './feed-reading.ts'

/** Counts the steps of a checkpoint: each is the next one. */
export interface Steps {
  last: number
}

interface Applying {
  readonly steps: Steps
  /** Nothing stays. */
  readonly undone: boolean
}

export interface Brought {
  readonly removed: number
  readonly brought: number
  /** Rows that collide with others still. */
  readonly collided: readonly MappedRow[]
  /** Children of rows that were left out, or had gone only for a moment, are not there. */
  readonly lacking: boolean
  /** Column with a sequence → the largest id that came. */
  readonly ids: ReadonlyMap<string, bigint>
}

const rowsMax = 5_000

export async function bringTable(
  shard: Shard,
  touched: Touched,
  { since, steps, undone }: Applying & { readonly since: Since },
): Promise<Brought> {
  const work = workOn(shard, touched.table, { steps, undone })
  const { gone, parents, rows, swept } = await readChanged(shard, touched, since)
  if (rows && fitsOneStep([...gone, ...parents, ...rows.map(sentOf)], work.atOnce)) {
    await work.step({ gone, parents, rows })
  } else {
    // While parents stand, their dependents can be found.
    for (const some of keysOfSteps(parents, work.atOnce)) await work.step({ parents: some })
    for (const some of keysOfSteps(gone, work.atOnce)) await work.step({ gone: some })
    const pages = rows ? [rows] : rereadNow(shard, touched, since)
    for await (const page of pages) {
      for (const some of batches(page, work.atOnce)) await work.step({ rows: some })
    }
  }
  for (const key of gone) touched.gone.push(key)
  const brought = await work.end()
  return { ...brought, lacking: brought.lacking || swept }
}

interface Step {
  readonly gone?: readonly Texts[]
  readonly parents?: readonly Texts[]
  readonly rows?: readonly MappedRow[]
}

function workOn(shard: Shard, { route, childKey }: ChangedTable, { steps, undone }: Applying) {
  const target = feedOf(shard, 'target')
  const counts = { removed: 0, brought: 0 }
  const ids = new Map<string, bigint>()
  let collided: MappedRow[] = []
  let weight = 0
  let lacking = false
  const keep = (row: MappedRow) => {
    weight += weightOf(row.texts)
    // Those that are more than can be held come again with the next pass.
    collided.push(weight > batchWeightMax ? { ...row, texts: [] } : row)
  }
  const step = async ({ gone = [], parents = [], rows = [] }: Step) => {
    shard.signal.throwIfAborted()
    const remove = await withoutLeftBehind(shard, route, [...gone, ...rows.map(({ key }) => key)])
    const columns = rows[0]?.columns ?? []
    const change = {
      ...holdOf(shard),
      epoch: shard.epoch,
      table: route.target.name,
      undone,
      key: route.targetKey,
      remove,
      keep: columnsLeft(route).filter((name) => !columns.includes(name)),
      parents: { columns: childKey.target, values: parents },
      columns,
      rows: rows.map(({ texts }) => texts),
    }
    const applied = await applyNext(target, steps, change)
    counts.removed += applied.removed
    counts.brought += applied.brought
    for (const i of applied.collided) keep(itemAt(rows, i))
    if (applied.collided.length > 0 && childKey.target.length > 0) lacking = true
    noteIds(ids, route, rows)
  }
  const atOnce = Math.min(rowsMax, shard.ends.target.rows.batchRows)
  return {
    atOnce,
    step,
    async end(): Promise<Brought> {
      // By now those have gone, or changed, whose values they have.
      const again = collided.filter(({ texts }) => texts.length > 0)
      collided = collided.filter(({ texts }) => texts.length === 0)
      weight = 0
      for (const rows of batches(again, atOnce)) await step({ rows })
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
  for (const { name, sequence, step } of route.target.columns) {
    const at = first?.columns.indexOf(name) ?? -1
    if (sequence === null || at === -1) continue
    for (const { texts } of rows) {
      const text = texts[at] ?? null
      if (text === null || !/^-?\d+$/.test(text)) continue
      const id = BigInt(text)
      const before = ids.get(sequence)
      const further = descends({ step: step ?? null })
        ? id < (before ?? id + 1n)
        : id > (before ?? 0n)
      if (further) ids.set(sequence, id)
    }
  }
}

/**
 * Rows there that the plan had left behind belong to no row of the other end, and stay. If other
 * rows have taken such a key since, the row that comes collides with them.
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
    const pages = shard.ends.target.rows.pages({ ...reading, ...of, signal: shard.signal })
    for await (const { rows } of pages) {
      for (const texts of rows) {
        if (read(texts.slice(0, width)) === null) spared.add(JSON.stringify(texts.slice(width)))
      }
    }
  }
  return spared.size === 0 ? keys : keys.filter((key) => !spared.has(JSON.stringify(key)))
}

/** The form in which a row is sent: itself, and the key of the one that it replaces. */
function sentOf({ texts, key }: MappedRow): Texts {
  return [...texts, ...key]
}

/** Each may be sent at once. */
function batches(rows: readonly MappedRow[], rowsMax: number): Iterable<MappedRow[]> {
  return byWeight(rows, sentOf, { weightMax: batchWeightMax, rowsMax })
}

function keysOfSteps(keys: readonly Texts[], rowsMax: number): Iterable<Texts[]> {
  return byWeight(keys, (key) => key, { weightMax: batchWeightMax, rowsMax })
}

function fitsOneStep(lines: readonly Texts[], rowsMax: number): boolean {
  if (lines.length > rowsMax) return false
  return lines.reduce((weight, line) => weight + weightOf(line), 0) <= batchWeightMax
}
