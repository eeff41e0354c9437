/** A tenant's rows of one table, as they are named and passed on. Types only. */
import type { CatalogTable } from '../plan/catalogs/catalog.ts'
import type { TenantPath } from '../plan/routing/path.ts'
import type { FlagKey } from './flags.ts'

/** A row's values, null for NULL. */
export type Texts = readonly (string | null)[]

/** Rows by what they have in some columns. */
export interface KeyList {
  readonly columns: readonly string[]
  readonly values: readonly Texts[]
}

export interface TenantRows extends FlagKey {
  readonly table: CatalogTable
  readonly path: TenantPath
  /** Only those rows `r` for which it holds; only where the end is a database of ours. */
  readonly among?: string | undefined
  /** Only these. */
  readonly keys?: KeyList | undefined
  /** Instead of the table's: those of a query, which has chosen the tenant's. */
  readonly query?: string | undefined
}

export interface BrokenReference {
  readonly foreignKey: string
  readonly rows: number
  /** Up to 20 values of the referring columns. */
  readonly values: readonly string[]
}

/** Rows that refer to rows of a tenant by one key, and are not found among them. */
export interface Strays {
  /** A table of another schema: `schema.table`. */
  readonly table: string
  readonly foreignKey: string
  /** To which they refer. Empty: the rows are the tenant's, and another one's by another way. */
  readonly parent: string
  readonly rows: number
  /** Values of the referring columns, of up to three rows. */
  readonly values: readonly string[]
  /**
   * true: rows of a planned table, whose path does not reach them. false: of one that stays behind.
   */
  readonly planned: boolean
  /** The end itself has been configured to leave them. */
  readonly left?: boolean | undefined
}
