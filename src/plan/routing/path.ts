/** The way from a row to its tenant. */

/**
 * The operators by which a row finds its parent, column by column. Absent: `pg_catalog`'s `=`, no
 * collation.
 */
export interface Matching {
  /** The parent's column stands on the left, the child's on the right. */
  readonly equals?: readonly string[]
  /** The parent's collation, where the child's is another one: foreign keys compare by it. */
  readonly collations?: readonly (string | null)[]
}

export type TenantPath = { readonly kind: 'column'; readonly column: string } | ThroughPath

export interface ThroughPath extends Matching {
  readonly kind: 'through'
  readonly columns: readonly string[]
  readonly parent: string
  readonly parentColumns: readonly string[]
  /** No foreign key says so: rows may come before their parents, and stay without. */
  readonly undeclared?: boolean | undefined
  /** A key on the way may be deferred: until commit a row's parent can become another one. */
  readonly deferrable: boolean
  readonly path: TenantPath
}

/** How many parents stand between a row and its tenant's column. */
export function hopsOf(path: TenantPath): number {
  return path.kind === 'column' ? 0 : 1 + hopsOf(path.path)
}

/** A reference on the way is kept by no foreign key. */
export function isUndeclared(path: TenantPath): boolean {
  return path.kind === 'through' && (path.undeclared === true || isUndeclared(path.path))
}
