/**
 * The condition that picks one tenant's rows. Pure SQL text; every statement of ours carries it.
 */
import type { CatalogTable } from '../../plan/catalogs/catalog.ts'
import { ident, literal, qualified } from '../../quote.ts'
import type { KeyList, TenantRows } from '../tenant-rows.ts'
import { amongSelected, collationOf } from './matching.ts'
import { type TenantParameters, tenantPredicate } from './tenant-of-rows.ts'
import { arrayOfTexts } from './text-batches.ts'

/** `schema.table r where …` for one tenant, who is a literal where there are no parameters. */
export function fromTenant(
  schema: string,
  rows: TenantRows,
  parameters?: TenantParameters,
): string {
  if (rows.query !== undefined) return `(${rows.query}) r where true`
  return `${qualified(schema, rows.table.name)} r where ${tenantWhere(schema, rows, parameters)}`
}

/** A condition on `r`. */
function tenantWhere(schema: string, rows: TenantRows, parameters?: TenantParameters): string {
  const { table, path, tenant, among, keys } = rows
  const ours = tenantPredicate(path, { schema, alias: 'r', tenant, parameters })
  const parts = [ours, ...(among ? [among] : []), ...(keys ? [amongKeys(table, keys)] : [])]
  return parts.join(' and ')
}

/** Over `r`, a row of the table: it is one of these. */
export function amongKeys(table: CatalogTable, keys: KeyList): string {
  if (keys.values.length === 0) return 'false'
  return amongSelected(table, { alias: 'r', columns: keys.columns }, listedKeys(table, keys))
}

/** `select` of the keys, each value of its column's type and under its column's name. */
export function listedKeys(table: CatalogTable, { columns, values }: KeyList): string {
  const arrays = columns.map((_, i) => `${literal(arrayOfTexts(values, i))}::text[]`)
  const typed = columns.map((name, i) => `${typedText(table, name, `k.c${i}`)} as ${ident(name)}`)
  const names = columns.map((_, i) => `c${i}`)
  return `select ${typed.join(', ')} from ${zipped(arrays)} k (${names.join(', ')})`
}

/** Arrays side by side, as rows: `unnest` of several has no name in a schema. */
function zipped(arrays: readonly string[]): string {
  return `rows from (${arrays.map((array) => `pg_catalog.unnest(${array})`).join(', ')})`
}

const textOf = (name: string) => `r.${ident(name)}::pg_catalog.text`

/** The columns of `r` as a JSON object of texts, however many they are. */
export function textsByName(columns: readonly string[], text = textOf): string {
  const names = columns.map(literal).join(', ')
  const texts = columns.map(text).join(', ')
  return `pg_catalog.jsonb_object(array[${names}]::pg_catalog.text[],
    array[${texts}]::pg_catalog.text[])`
}

/** A text as a value of a column. */
export function typedText(table: CatalogTable, name: string, text: string): string {
  return `${text}::${typeOf(table, name)}${collationOf(table, name)}`
}

/** Without length and precision, which would cut a value to fit. */
export function typeOf(table: CatalogTable, name: string): string {
  return table.columns.find((column) => column.name === name)?.typeSql ?? 'pg_catalog.text'
}
