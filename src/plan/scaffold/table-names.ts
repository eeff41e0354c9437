/** Names under which columns and types refer to a table. Pure. */
import type { CatalogTable } from '../catalogs/catalog.ts'

function singular(name: string): string {
  if (/ies$/i.test(name)) return name.replace(/ies$/i, 'y')
  if (/(ss|x|ch|sh)es$/i.test(name)) return name.slice(0, -2)
  return name.replace(/([^s])s$/i, '$1')
}

/**
 * The table's name in singular and plural, and without a prefix that most tables have: `orders`
 * where it is `spree_orders`.
 */
export function namesOf(table: CatalogTable, tables: readonly CatalogTable[]): string[] {
  const prefix = commonPrefix(tables)
  const short =
    prefix !== '' && table.name.startsWith(prefix) ? table.name.slice(prefix.length) : ''
  return [table.name, short].filter(Boolean).flatMap((name) => [singular(name), name])
}

const tablesMin = 3

/** `spree_`; empty: there is none. */
function commonPrefix(tables: readonly CatalogTable[]): string {
  const prefixes = tables.map(({ name }) => /^[^_]+_(?=.)/.exec(name)?.[0] ?? '')
  const count = (prefix: string) => prefixes.filter((one) => one === prefix).length
  const most = prefixes.find((prefix) => count(prefix) > tables.length / 2) ?? ''
  return tables.length < tablesMin ? '' : most
}
