/** Ways to a tenant that only the names of columns tell. Pure. */
import type { CatalogTable } from '../catalogs/catalog.ts'
import type { KeyTo } from './belonging.ts'
import { type Found, isFilled, isTenants, type Known, refersForTenants } from './known-tables.ts'
import { type NamedReference, namedByRole, namedReferences } from './named-references.ts'

/** One that each row has, and that an index begins with: rows are found by it. */
export function throughIndexedReference(table: CatalogTable, context: Known): Found | null {
  const indexed = context.sample.get(table.name)?.indexed
  const { others } = referencesOf(table, context)
  const filled = others.filter(({ column }) => isFilled(table, [column], context.sample) !== 'no')
  const best = filled.find(({ column }) => indexed?.includes(column) ?? true)
  return best ? byReferences([best], filled) : null
}

/**
 * `task_id` where `tasks` is a tenant's, and no foreign key declares it. Where each of several such
 * columns may be null, a row belongs by any of them, or by a parent in the same table.
 */
export function throughUndeclaredKey(table: CatalogTable, context: Known): Found | null {
  const { others, selves } = referencesOf(table, context)
  const filled = others.filter(({ column }) => isFilled(table, [column], context.sample) !== 'no')
  if (filled.length > 0) return byReferences(filled.slice(0, 1), filled)
  return others.length > 0 ? byReferences([...others, ...selves], []) : null
}

/** References by name to tables whose rows are a tenant's, and to the table itself. */
function referencesOf(table: CatalogTable, { catalog, found }: Known) {
  const all = namedReferences(table, [...catalog.tables.values()])
  return {
    others: all.filter(({ parent }) => parent !== table.name && isTenants(found.get(parent))),
    selves: all.filter(({ parent }) => parent === table.name),
  }
}

function byReferences(
  ways: readonly NamedReference[],
  filled: readonly NamedReference[],
): Found | null {
  const keys = ways.map(({ column, parent }): KeyTo => ({ columns: [column], parent }))
  const names = ways.map(
    ({ column, parent }) => `"${column}" is named as a reference to "${parent}"`,
  )
  const why = `${names.join(', ')}, and no foreign key declares it`
  const [key] = keys
  if (!key) return null
  if (keys.length > 1) {
    const doubt = 'only names suggest it, and a row may have none of them'
    return { belonging: { kind: 'any of', keys }, why, doubt }
  }
  const others = filled.filter(({ column }) => !key.columns.includes(column))
  const also = others.map(({ column }) => `"${column}"`).join(' and ')
  const doubt = 'only names suggest it'
  return {
    belonging: { kind: 'undeclared', ...key },
    why,
    doubt: also === '' ? doubt : `${doubt}; ${also} leads to a tenant, too`,
  }
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
