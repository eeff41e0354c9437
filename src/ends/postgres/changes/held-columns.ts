/**
 * Columns of which the other end knows nothing, while their rows go and come again: what is in them
 * goes to the row whose key is equal by the operators of its type, however that is written by then.
 * It never leaves the database, however many the rows are and however large: rehome.changed_keys.
 */
import type { CatalogTable } from '../../../plan/catalogs/catalog.ts'
import type { Client } from '../../../postgres.ts'
import { ident, literal, qualified } from '../../../quote.ts'
import type { SqlEnd } from '../../end.ts'
import type { Application } from '../../feed.ts'
import type { Texts } from '../../tenant-rows.ts'
import type { LeftOut } from '../copy/place-rows.ts'
import { columnsEqual } from '../matching.ts'
import { listedKeys, textsByName, typedText } from '../predicate.ts'

export interface Holding {
  readonly table: CatalogTable
  readonly change: Application
}

/** `chosen`: `from table r where …`, of the rows that are about to go. */
export async function holdColumns(
  client: Client,
  { table, change }: Holding,
  chosen: string,
): Promise<void> {
  const { scope, tenant, step, key, keep, remove } = change
  if (keep.length === 0 || remove.length === 0 || areGone(table, change)) return
  const texts = key.map((name) => `r.${ident(name)}::text`).join(', ')
  const query = `insert into rehome.changed_keys
      (scope, tenant_id, table_name, kind, step, key, key_hash, kept)
    select $1, $2, $3, 'kept', $4, n.key, md5(n.key::text), n.kept
    from (select array[${texts}] as key, ${textsByName(keep)} as kept ${chosen}) n
    on conflict (scope, tenant_id, table_name, kind, key_hash)
      do update set step = excluded.step, kept = excluded.kept`
  await client.query(query, [scope, tenant, table.name, step])
}

/** Rows of a step that only removes come with no later one, unless under another text of a key. */
function areGone(table: CatalogTable, { key, rows }: Application): boolean {
  return rows.length === 0 && key.every((name) => hasOneText(table, name))
}

export interface Restoring extends Holding {
  readonly left: LeftOut
}

/** Gives rows that came what they had, with this step or with a later one. */
export async function restoreColumns(
  client: Client,
  { schema }: SqlEnd,
  { table, change, left }: Restoring,
): Promise<void> {
  const { key, keep, columns, rows } = change
  if (keep.length === 0 || rows.length === 0) return
  const at = key.map((name) => columns.indexOf(name))
  const out = new Set([...left.collided, ...left.orphaned])
  const keysOf = (isOut: boolean): Texts[] =>
    rows.filter((_, i) => out.has(i) === isOut).map((row) => at.map((i) => row[i] ?? null))
  const names = { columns: key }
  const came = listedKeys(table, { ...names, values: keysOf(false) })
  const set = keep.map((name) => {
    return `${ident(name)} = ${typedText(table, name, `(k.kept ->> ${literal(name)})`)}`
  })
  const isRow = columnsEqual(table, key, { alias: 'r', value: (name) => `c.${ident(name)}` })
  const restored = `update ${qualified(schema, table.name)} r set ${set.join(', ')}
    from rehome.changed_keys k join (${came}) c on ${isKeyOf(table, key)}
    where ${ofTable(table, change)} and ${isRow} returning k.key_hash`
  await client.query(`with restored as (${restored}) delete from rehome.changed_keys k
    using restored where ${ofTable(table, change)} and k.key_hash = restored.key_hash`)
  // Who is not among the rows of this step has gone.
  const waiting = listedKeys(table, { ...names, values: keysOf(true) })
  const waits = out.size > 0 && `exists (select from (${waiting}) c where ${isKeyOf(table, key)})`
  await client.query(`delete from rehome.changed_keys k where ${ofTable(table, change)}
    and k.step = ${change.step}${waits ? ` and not ${waits}` : ''}`)
}

function ofTable({ name }: CatalogTable, { scope, tenant }: Application): string {
  return `k.scope = ${literal(scope)} and k.tenant_id = ${literal(tenant)}
    and k.table_name = ${literal(name)} and k.kind = 'kept'`
}

/** Over an entry `k` and a listed key `c`. */
function isKeyOf(table: CatalogTable, key: readonly string[]): string {
  const value = (name: string, i: number) => typedText(table, name, `k.key[${i + 1}]`)
  return columnsEqual(table, key, { alias: 'c', value })
}

const oneText = 'text varchar uuid int2 int4 int8 bool date time timestamp timestamptz bytea'.split(
  ' ',
)

/** Values of the column that are equal have the same text. */
function hasOneText({ columns }: CatalogTable, name: string): boolean {
  const column = columns.find((candidate) => candidate.name === name)
  return !column?.collation && oneText.includes(column?.typeName ?? '')
}
