/** From where to where rows go: what routes.ts finds out. Types only. */
import type { CatalogTable } from '../catalogs/catalog.ts'
import type { TablePlan } from '../plan.ts'
import type { StreamPlan } from '../stream.ts'
import type { ColumnRoute } from './columns.ts'
import type { TenantPath } from './path.ts'
import type { SharedIds } from './shared-ids.ts'

export interface Route {
  readonly source: CatalogTable
  readonly target: CatalogTable
  readonly sourcePath: TenantPath
  readonly targetPath: TenantPath
  /** Columns of a unique key, at the source; rows are read in its order. */
  readonly sourceKey: readonly string[]
  readonly targetKey: readonly string[]
  /**
   * Columns that are read at the source. Without a transform these are the target's columns, too.
   */
  readonly columns: readonly ColumnRoute[]
  readonly transform: TablePlan['transform']
  readonly plan: TablePlan
  /** Rows may point at rows of the same table. */
  readonly selfReference: boolean
  /** Column of the source → under which name its ids become others. */
  readonly newIds: Readonly<Record<string, string>>
  /** Ids of rows of everybody, which are others at each end. */
  readonly sharedIds?: SharedIds
  /** Rows are those of a stream: one may become many here, and others elsewhere. */
  readonly stream?: StreamPlan
  /** All tables that the stream fills. */
  readonly siblings?: readonly CatalogTable[]
  /** The route whose way back this is. */
  readonly backOf?: Route
  /** Why no row can go this way, though the way back can. */
  readonly blocked?: string
}

/** A table that is fenced, counted and emptied, whether or not it is some table's other half. */
export interface EndTable {
  readonly table: CatalogTable
  readonly path: TenantPath
  /** `stay`: rows without a tenant stay where they are. Absent: there are to be none. */
  readonly tenantless?: 'stay' | undefined
}
