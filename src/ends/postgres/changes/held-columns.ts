/**
 * Columns of which the other end knows nothing, while their rows go and come again: what is in them
 * goes to the row whose key is equal by the operators of its type, however that is written by then.
 */
import type { CatalogTable } from '../../../plan/catalogs/catalog.ts'
import type { Client } from '../../../postgres.ts'
import { ident, literal, qualified } from '../../../quote.ts'
import type { Application } from '../../feed.ts'
import type { KeyList, Texts } from '../../tenant-rows.ts'
import type { LeftOut } from '../copy/place-rows.ts'
import { columnsEqual } from '../matching.ts'
import type { SqlEnd } from '../postgres-end.ts'
import { listedKeys, typedText, zipped } from '../predicate.ts'
import { arrayOfTexts, textsOf } from '../text-batches.ts'
import type { Kept } from './steps.ts'

/** The held columns of one row. */
export interface Held {
  readonly key: Texts
  readonly values: (string | null)[]
}

/** `chosen`: `from table r where …`, of the rows that are about to go. */
export async function heldColumns(
  client: Client,
  { key, keep, remove }: Pick<Application, 'key' | 'keep' | 'remove'>,
  chosen: string,
): Promise<readonly Held[]> {
  if (keep.length === 0 || remove.length === 0) return []
  const columns = [...key, ...keep].map((name) => `r.${ident(name)}`).join(', ')
  const rows = await textsOf(client, `select ${columns} ${chosen}`)
  return rows.map((row) => ({ key: row.slice(0, key.length), values: row.slice(key.length) }))
}

export interface Restoring {
  readonly table: CatalogTable
  readonly change: Application
  /** The columns that wait for their row. Changed in place. */
  readonly kept: Kept
  readonly held: readonly Held[]
  readonly left: LeftOut
}

/** Keeps a row's columns until it comes, with this step or with another. */
export async function restoreColumns(
  client: Client,
  { schema }: SqlEnd,
  { table, change, kept, held, left }: Restoring,
): Promise<void> {
  const { key, keep, columns, rows } = change
  if (keep.length === 0) return
  const waiting = kept[table.name] ?? {}
  const all = [...held, ...waitingOf(waiting)]
  const at = key.map((name) => columns.indexOf(name))
  const coming = rows.map((row) => at.map((i) => row[i] ?? null))
  const pairs = await matched(client, table, { columns: key, coming, all })
  const out = new Set([...left.collided, ...left.orphaned])
  // Of a step that only removes, rows may come with later ones, under another text of their key.
  const mayCome = rows.length === 0 && !key.every((name) => hasOneText(table, name))
  const values: Texts[] = []
  const still: Kept[string] = {}
  for (const [j, { key: name, values: had }] of all.entries()) {
    const i = pairs.get(j)
    const waits = i === undefined ? j >= held.length || mayCome : out.has(i)
    if (waits) still[JSON.stringify(name)] = had
    else if (i !== undefined) values.push([...(coming[i] ?? []), ...had])
  }
  kept[table.name] = still
  if (values.length === 0) return
  const some = listedKeys(table, { columns: [...key, ...keep], values })
  const set = keep.map((name) => `${ident(name)} = k.${ident(name)}`).join(', ')
  const match = columnsEqual(table, key, { alias: 'r', value: (name) => `k.${ident(name)}` })
  await client.query(
    `update ${qualified(schema, table.name)} r set ${set} from (${some}) k where ${match}`,
  )
}

const oneText = 'text varchar uuid int2 int4 int8 bool date time timestamp timestamptz bytea'.split(
  ' ',
)

/** Values of the column that are equal have the same text. */
function hasOneText({ columns }: CatalogTable, name: string): boolean {
  const column = columns.find((candidate) => candidate.name === name)
  return !column?.collation && oneText.includes(column?.typeName ?? '')
}

function waitingOf(waiting: Kept[string]): Held[] {
  return Object.entries(waiting).map(([name, values]) => ({ key: JSON.parse(name), values }))
}

interface Matched {
  readonly columns: readonly string[]
  readonly coming: readonly Texts[]
  readonly all: readonly Held[]
}

/** Place of what is held → place of the row that has its key. */
async function matched(
  client: Client,
  table: CatalogTable,
  { columns, coming, all }: Matched,
): Promise<ReadonlyMap<number, number>> {
  if (coming.length === 0 || all.length === 0) return new Map()
  const held = numbered(table, { columns, values: all.map(({ key }) => key) })
  const rows = numbered(table, { columns, values: coming })
  const match = columnsEqual(table, columns, { alias: 'h', value: (name) => `k.${ident(name)}` })
  const query = `select h.rehome_i, k.rehome_i from (${held}) h join (${rows}) k on ${match}`
  const pairs = await textsOf(client, query)
  return new Map(pairs.map(([j, i]) => [Number(j) - 1, Number(i) - 1]))
}

/** Keys of their columns' types, with their places. */
function numbered(table: CatalogTable, { columns, values }: KeyList): string {
  const arrays = columns.map((_, i) => `${literal(arrayOfTexts(values, i))}::text[]`)
  const names = columns.map((_, i) => `c${i}`)
  const typed = columns.map((name, i) => `${typedText(table, name, `l.c${i}`)} as ${ident(name)}`)
  return `select ${typed.join(', ')}, l.rehome_i
    from ${zipped(arrays)} with ordinality l (${names.join(', ')}, rehome_i)`
}
