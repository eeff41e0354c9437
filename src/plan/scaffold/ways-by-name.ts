/** Ways to a tenant that only the names of columns tell. Pure. */
import type { CatalogTable } from '../catalogs/catalog.ts'
import type { KeyTo } from './belonging.ts'
import { type Found, isFilled, isTenants, type Known, refersForTenants } from './known-tables.ts'
import { type NamedReference, namedByRole, namedReferences } from './named-references.ts'

/**
 * `task_id` where `tasks` is a tenant's, and no foreign key declares it. Where each of several such
 * columns may be null, a row belongs by any of them, or by a parent in the same table.
 */
export function throughUndeclaredKey(table: CatalogTable, context: Known): Found | null {
  const { catalog, found, sample } = context
  const all = namedReferences(table, [...catalog.tables.values()])
  const isSelf = ({ parent }: NamedReference) => parent === table.name
  const others = all.filter((one) => !isSelf(one) && isTenants(found.get(one.parent)))
  const filled = others.find(({ column }) => isFilled(table, [column], sample) !== 'no')
  const [first] = others
  if (!first) return null
  const ways = filled ? [filled] : [...others, ...all.filter(isSelf)]
  const keys = ways.map(({ column, parent }): KeyTo => ({ columns: [column], parent }))
  const names = ways.map(
    ({ column, parent }) => `"${column}" is named as a reference to "${parent}"`,
  )
  const why = `${names.join(', ')}, and no foreign key declares it`
  const [key = { columns: [first.column], parent: first.parent }] = keys
  if (keys.length > 1) {
    const doubt = 'only names suggest it, and a row may have none of them'
    return { belonging: { kind: 'any of', keys }, why, doubt }
  }
  return { belonging: { kind: 'undeclared', ...key }, why, doubt: 'only names suggest it' }
}

/** Rows of everybody that only names lead to. What is not brought would be missing there. */
export function referredByName(table: CatalogTable, { catalog, found }: Known): Found | null {
  const tables = [...catalog.tables.values()]
  const others = tables.filter(
    ({ name }) => name !== table.name && refersForTenants(found.get(name)),
  )
  const by = others.flatMap((other) =>
    namedByRole(other, { parents: [table], tables }).map(({ column }) => ({
      table: other.name,
      columns: [column],
    })),
  )
  if (by.length === 0) return null
  const names = by.map((one) => `"${one.table}.${one.columns[0]}"`)
  const why = `${names.join(', ')} is named as a reference to it, and no foreign key declares it`
  return { belonging: { kind: 'shared', by }, why, doubt: 'only names suggest it' }
}
