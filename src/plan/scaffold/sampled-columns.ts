/** The columns of which a sample tells whether they are a way to a tenant, and from one. Pure. */
import type { Catalog } from '../catalogs/catalog.ts'
import { keysOfTable } from '../routing/tables.ts'
import { namedReferences } from './named-references.ts'
import type { TenantCandidate } from './tenant-candidates.ts'

/** Table → its columns. */
export function columnsToSample(
  catalog: Catalog,
  { column: tenant }: TenantCandidate,
): Map<string, string[]> {
  const tables = [...catalog.tables.values()]
  const all = tables.map((table) => {
    const referring = new Set([
      ...keysOfTable(table).flatMap(({ columns }) => columns),
      ...namedReferences(table, tables).map(({ column }) => column),
    ])
    const some = table.columns.filter(
      ({ name, notNull }) => referring.has(name) || (!notNull && name === tenant),
    )
    return [table.name, some.map(({ name }) => name)] as const
  })
  return new Map(all.filter(([, columns]) => columns.length > 0))
}
