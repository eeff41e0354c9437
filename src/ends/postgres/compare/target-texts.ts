/** Texts that rows would have in a table's columns, without writing them there. */
import type { CatalogTable } from '../../../plan/catalogs/catalog.ts'
import type { SqlEnd } from '../../end.ts'
import type { Texts } from '../../tenant-rows.ts'
import { arrayOfTexts, asText } from '../text-batches.ts'

/**
 * Rows as the columns' types write them: numeric(10,2) makes 1.00 of 1. Throws what the server
 * answers of a value that a column cannot hold.
 */
export async function targetTexts(
  { pool }: Pick<SqlEnd, 'pool'>,
  { table, columns }: { readonly table: CatalogTable; readonly columns: readonly string[] },
  rows: readonly Texts[],
): Promise<Texts[]> {
  if (rows.length === 0 || columns.length === 0) return [...rows]
  const typeOf = (name: string) => table.columns.find((column) => column.name === name)?.typeText
  const values = columns.map((name, i) => `v.c${i}::${typeOf(name) ?? 'pg_catalog.text'}`)
  const arrays = columns.map((_, i) => `pg_catalog.unnest($${i + 1}::text[])`)
  const names = columns.map((_, i) => `c${i}`)
  const text = `select ${values.join(', ')}
    from rows from (${arrays.join(', ')}) with ordinality v (${names.join(', ')}, place) order by v.place`
  const parameters = columns.map((_, i) => arrayOfTexts(rows, i))
  return (await pool.query({ text, values: parameters, rowMode: 'array', types: asText })).rows
}
