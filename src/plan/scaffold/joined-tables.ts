/** Tables whose rows another table joins to several tenants. Pure. */
import type { Catalog, CatalogTable } from '../catalogs/catalog.ts'
import { keysOfTable } from '../routing/tables.ts'
import type { Sample } from './belonging.ts'
import { isFilled } from './known-tables.ts'
import { keyColumnsTo, type TenantCandidate } from './tenant-candidates.ts'

/**
 * Users behind memberships: what refers from them to a tenant, such as the one that they have used
 * last, does not make them its rows. A table with a reference that no row can be without is no such
 * table, nor is one whose column for the tenant is filled in the sample.
 */
export function joinedTables(
  catalog: Catalog,
  tenant: TenantCandidate,
  sample: Sample,
): Set<string> {
  const joins = [...catalog.tables.values()].flatMap((join) =>
    keysOfTable(join).flatMap(({ columns: [column = '', ...more], parent }) => {
      const isOther = more.length === 0 && parent !== tenant.table && parent !== join.name
      return isOther && joinsTenants(join, column, tenant) ? [parent] : []
    }),
  )
  const isFree = (name: string) => {
    const table = catalog.tables.get(name)
    return table !== undefined && !isBound(table, tenant, sample)
  }
  return new Set(joins.filter(isFree))
}

/** A unique index of this column and of one with a tenant's id. */
function joinsTenants(join: CatalogTable, column: string, tenant: TenantCandidate): boolean {
  const ids = tenant.table === null ? [] : keyColumnsTo(join, tenant.table)
  return join.uniques.some(({ columns }) => {
    const others = columns.filter((name) => name !== column)
    const [other = ''] = others
    return columns.length === 2 && others.length === 1 && [tenant.column, ...ids].includes(other)
  })
}

function isBound(table: CatalogTable, { column }: TenantCandidate, sample: Sample): boolean {
  if (isFilled(table, [column], sample) !== 'no') return true
  return keysOfTable(table).some(({ columns }) => isFilled(table, columns, new Map()) === 'yes')
}
