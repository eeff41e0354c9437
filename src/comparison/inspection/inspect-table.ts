/**
 * Some rows of one table side by side: the source's, what the plan makes of it, and the target's.
 * Reads only, and in no common snapshot: a tenant that is writing may differ for that reason.
 */
import { tenantRows } from '../../attempt/planned-rows.ts'
import { targetTexts } from '../../ends/postgres/compare/target-texts.ts'
import { recordText } from '../../ends/read-digest.ts'
import type { KeyList, Texts } from '../../ends/tenant-rows.ts'
import { messageOf } from '../../errors.ts'
import { asItIs } from '../../plan/routing/columns.ts'
import type { Route } from '../../plan/routing/route.ts'
import { comparisonKey } from '../../transform/expected-rows.ts'
import { recordFields } from '../../values/record-text.ts'
import { type Inspected, type MadeRow, madeRows, sourceColumns } from './made-rows.ts'
import { type InspectedRow, type Paired, pairRows } from './pair-rows.ts'

/** Rows that are read in search of a key or for a sample, at most. */
const searchedMax = 100_000
const sampledMax = 10_000

export interface InspectedTable {
  readonly table: string
  /** The source's table. */
  readonly from: string
  readonly rows: readonly InspectedRow[]
  readonly notes: readonly string[]
}

export interface InspectOptions {
  /** Keys of the target's rows, or of the source's, each as `42` or as the record `(42,a)`. */
  readonly keys: readonly string[]
  /** So many further rows, at random among the first 10,000 of the source. */
  readonly sample: number
  /** Shows values of columns with the name of a secret. */
  readonly reveal: boolean
}

export async function inspectTable(
  of: Inspected,
  route: Route,
  { keys, sample, reveal }: InspectOptions,
): Promise<InspectedTable> {
  const notes: string[] = []
  const namedKeys = keys.map((key) => keyOf(key, route))
  const named = namedKeys.length > 0 ? await madeFor(of, route, namedKeys, notes) : []
  const sampled = sample > 0 ? await sampleOf(of, route, sample) : []
  const made = await asTargetHas(of, route, withoutRepeated(route, [...named, ...sampled]))
  const madeKeys = made.map((row) => targetKeyOf(route, row)).filter((key) => key !== null)
  const atTarget = await targetRows(of, route, [...madeKeys, ...namedKeys])
  const pairs: Paired = { route, made, found: atTarget, keyOf: (row) => targetKeyOf(route, row) }
  return {
    table: route.target.name,
    from: route.source.name,
    rows: pairRows(pairs, { reveal }),
    notes,
  }
}

/** A key of one column may be its bare value. */
function keyOf(text: string, { targetKey }: Route): Texts {
  const fields = recordFields(text)
  const isRecord = fields !== null && (targetKey.length === 0 || fields.length === targetKey.length)
  return isRecord ? fields : [text]
}

/** null: the plan makes no row, or not every column of the key. */
function keyOfMade(route: Route, { columns, expected }: MadeRow): Texts | null {
  if (!expected) return null
  const key = comparisonKey(route, columns)
  return key.map((name) => expected[columns.indexOf(name)] ?? null)
}

/** A row of which nothing is made has a key, too, where the plan takes the key over as it is. */
function targetKeyOf(route: Route, row: MadeRow): Texts | null {
  if (row.expected) return keyOfMade(route, row)
  const { columns = [] } = directKeys(route, []) ?? {}
  const at = columns.map((name) => sourceColumns(route).findIndex(({ from }) => from === name))
  return at.length === 0 ? null : at.map((index) => row.source[index] ?? null)
}

function withoutRepeated(route: Route, rows: readonly MadeRow[]): MadeRow[] {
  const texts = new Set<string>()
  return rows.filter((row) => {
    const text = recordText(targetKeyOf(route, row) ?? row.source)
    return !texts.has(text) && texts.add(text)
  })
}

/** First by the key's own columns; only then all rows are searched. */
async function madeFor(
  of: Inspected,
  route: Route,
  namedKeys: readonly Texts[],
  notes: string[],
): Promise<MadeRow[]> {
  const texts = new Set(namedKeys.map(recordText))
  const isWanted = (row: MadeRow) =>
    [keyOfMade(route, row), sourceKeyOf(route, row)].some(
      (key) => key && texts.has(recordText(key)),
    )
  const direct = directKeys(route, namedKeys)
  if (direct) {
    const rows: MadeRow[] = []
    for await (const row of madeRows(of, route, direct)) if (isWanted(row)) rows.push(row)
    if (rows.length >= namedKeys.length || !isMade(route)) return rows
  }
  const rows: MadeRow[] = []
  let searched = 0
  for await (const row of madeRows(of, route)) {
    if (isWanted(row)) rows.push(row)
    searched += row.sourceRows
    if (searched < searchedMax) continue
    notes.push(`only the first ${searchedMax} source rows were searched for the keys`)
    break
  }
  return rows
}

function isMade(route: Route): boolean {
  return Boolean(route.transform || route.stream || Object.keys(route.newIds).length > 0)
}

/** null: some column of the key is not one of the source's. */
function directKeys(route: Route, values: readonly Texts[]): KeyList | null {
  const { targetKey, columns, stream } = route
  const from = targetKey.map((name) => columns.find((column) => column.name === name)?.from)
  if (stream || from.length === 0 || Object.keys(route.newIds).length > 0) return null
  if (from.some((name) => typeof name !== 'string')) return null
  return { columns: from.filter((name) => typeof name === 'string'), values }
}

function sourceKeyOf(route: Route, { source }: MadeRow): Texts | null {
  const { sourceKey } = route
  if (sourceKey.length === 0) return null
  const at = sourceKey.map((name) => sourceColumns(route).findIndex(({ from }) => from === name))
  return at.map((index) => source[index] ?? null)
}

async function sampleOf(of: Inspected, route: Route, size: number): Promise<MadeRow[]> {
  const kept: MadeRow[] = []
  let count = 0
  for await (const row of madeRows(of, route)) {
    count += 1
    if (kept.length < size) kept.push(row)
    else {
      const place = Math.floor(Math.random() * count)
      if (place < size) kept[place] = row
    }
    if (count >= sampledMax) break
  }
  return kept
}

/** A row that the target refuses gets the reason, and stays as it was made. */
async function asTargetHas(
  { ends }: Inspected,
  { target: table }: Route,
  rows: readonly MadeRow[],
): Promise<MadeRow[]> {
  const { sql } = ends.target
  if (!sql) return [...rows]
  const read = async (row: MadeRow): Promise<MadeRow> => {
    if (!row.expected) return row
    try {
      const [expected] = await targetTexts(sql, { table, columns: row.columns }, [row.expected])
      return { ...row, expected: expected ?? null }
    } catch (error) {
      return { ...row, reason: `the target refuses it: ${messageOf(error)}` }
    }
  }
  return await Promise.all(rows.map(read))
}

/** Key → row, by all columns of the target's table. */
async function targetRows(
  of: Inspected,
  route: Route,
  keys: readonly Texts[],
): Promise<Map<string, Texts>> {
  const { target, targetKey } = route
  const byKey = new Map<string, Texts>()
  const usable = keys.filter(({ length }) => length === targetKey.length)
  if (usable.length === 0 || targetKey.length === 0) return byKey
  const list: KeyList = { columns: targetKey, values: usable }
  const pages = of.ends.target.rows.pages({
    ...tenantRows({ ...of, keys: () => list }, route, 'target'),
    key: targetKey,
    columns: target.columns.map(asItIs),
    after: { rowsRead: 0, cursor: null },
    signal: of.signal,
  })
  const at = targetKey.map((name) => target.columns.findIndex((column) => column.name === name))
  for await (const { rows } of pages) {
    for (const row of rows) byKey.set(recordText(at.map((index) => row[index] ?? null)), row)
  }
  return byKey
}
