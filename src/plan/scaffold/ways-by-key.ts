/** Ways to a tenant over foreign keys. Pure. */
import type { CatalogForeignKey, CatalogTable } from '../catalogs/catalog.ts'
import { keysOfTable } from '../routing/tables.ts'
import { type Found, isFilled, isTenants, type Known } from './known-tables.ts'

/** A key that no row can be without counts more than one that the sample is not without. */
export function throughFilledKey(table: CatalogTable, context: Known): Found | null {
  return throughOne(table, context, ['yes'])
}

export function throughKey(table: CatalogTable, context: Known): Found | null {
  return throughOne(table, context, ['yes', 'in the sample'])
}

function throughOne(
  table: CatalogTable,
  context: Known,
  filled: readonly ReturnType<typeof isFilled>[],
): Found | null {
  const keys = keysToTenants(table, context)
  const sure = keys.filter((key) => filled.includes(isFilled(table, key.columns, context.sample)))
  const best = sure.toSorted((a, b) => Number(owns(b, context)) - Number(owns(a, context)))[0]
  if (!best) return null
  const [first, ...others] = [best, ...sure.filter((key) => key !== best)]
  const also = others.map(({ columns }) => `"${columns.join(', ')}"`)
  const doubts = [
    also.length > 0 ? `${also.join(' and ')} leads to a tenant, too` : [],
    isFilled(table, first?.columns ?? [], context.sample) === 'in the sample'
      ? 'the column may be null, and is in no row of the sample'
      : [],
  ].flat()
  const { columns, parent } = best
  return {
    belonging: { kind: 'through', columns, parent },
    why: `"${columns.join(', ')}" refers to "${parent}"`,
    doubt: doubts.join('; ') || undefined,
  }
}

/** Once it is known of all of its parents whether their rows are a tenant's. */
export function throughAnyKey(table: CatalogTable, context: Known): Found | null {
  const isUnknown = ({ parent }: CatalogForeignKey) =>
    parent !== table.name && !context.found.has(parent) && leadsToTenants(parent, context)
  return keysOfTable(table).some(isUnknown) ? null : throughKnownKeys(table, context)
}

/** Counts the parents that are known, where others wait for each other. */
export function throughKnownKeys(table: CatalogTable, context: Known): Found | null {
  const keys = keysToTenants(table, context)
  if (keys.length === 0) return null
  const self = keysOfTable(table).filter((key) => key.parent === table.name)
  const all = [...keys, ...self].map(({ columns, parent }) => ({ columns, parent }))
  const names = all.map(({ columns }) => `"${columns.join(', ')}"`)
  const doubt = 'a row may have none of them'
  if (names.length === 1) {
    const why = `${names[0]} refers to "${all[0]?.parent}", and is null in some rows`
    return { belonging: { kind: 'any of', keys: all }, why, doubt }
  }
  const why = `each row refers to a tenant's by one of ${names.join(', ')}`
  return { belonging: { kind: 'any of', keys: all }, why, doubt }
}

/** Keys to tables whose rows are known to be a tenant's, the shortest ways first. */
function keysToTenants(table: CatalogTable, { found }: Known): CatalogForeignKey[] {
  return keysOfTable(table).filter(
    (key) => key.parent !== table.name && !key.temporal && isTenants(found.get(key.parent)),
  )
}

/** A row that goes with its parent belongs to it more than one that only names another row. */
function owns(key: CatalogForeignKey, { catalog }: Known): boolean {
  const references = catalog.tables.get(key.parent)?.references ?? []
  return references.some(({ name, onDelete }) => name === key.name && onDelete === 'cascade')
}

/** Keys lead from the table to rows of tenants, over any number of tables. */
function leadsToTenants(name: string, context: Known, visited: readonly string[] = []): boolean {
  const table = context.catalog.tables.get(name)
  if (!table || visited.includes(name) || context.joined.has(name)) return false
  if (keysToTenants(table, context).length > 0) return true
  const above = [...visited, name]
  return keysOfTable(table).some(({ parent }) => leadsToTenants(parent, context, above))
}
