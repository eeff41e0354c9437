/** Facts about a schema's tables while they are classified. Pure. */
import type { Catalog, CatalogTable } from '../catalogs/catalog.ts'
import type { ClassifiedTable, Sample } from './belonging.ts'
import type { TenantCandidate } from './tenant-candidates.ts'

/** Input of the ways: the schema, and the tables that were classified so far. */
export interface Known {
  readonly catalog: Catalog
  readonly tenant: TenantCandidate
  readonly sample: Sample
  readonly found: ReadonlyMap<string, ClassifiedTable>
  /** Tables whose rows another table joins to several tenants. */
  readonly joined: ReadonlySet<string>
}

export type Found = Omit<ClassifiedTable, 'table'>
export type Way = (table: CatalogTable, known: Known) => Found | null

const ofTenants = ['column', 'through', 'any of', 'undeclared', 'polymorphic', 'referred to']

export function isTenants(one: ClassifiedTable | undefined): boolean {
  return one !== undefined && ofTenants.includes(one.belonging.kind)
}

/** Its rows are everybody's, or tell more about such rows. */
export function isShared(name: string, { found }: Pick<Known, 'found'>): boolean {
  const kind = found.get(name)?.belonging.kind
  return kind === 'shared' || kind === 'of shared'
}

export function refersForTenants(one: ClassifiedTable | undefined): boolean {
  return one !== undefined && !['none', 'of shared'].includes(one.belonging.kind)
}

export function isFilled(
  table: CatalogTable,
  columns: readonly string[],
  sample: Sample,
): 'yes' | 'in the sample' | 'no' {
  const all = columns.map((name) => table.columns.find((column) => column.name === name))
  if (all.every((column) => column?.notNull)) return 'yes'
  const rows = sample.get(table.name)
  if (!rows || rows.rows === 0) return 'no'
  return columns.every((name) => rows.nulls[name] === 0) ? 'in the sample' : 'no'
}
