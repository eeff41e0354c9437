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

export type TenantPath =
  | { readonly kind: 'column'; readonly column: string }
  | WholePath
  | ThroughPath
  | AnyPath

/** All rows of the table are this tenant's: its schema is the tenant's own. */
export interface WholePath {
  readonly kind: 'whole'
  readonly tenant: string
  /**
   * How rows refer to those with which they come and go at the other end, where tenants share
   * tables. Absent: they have their tenant there themselves.
   */
  readonly below?: ThroughPath | AnyPath | undefined
}

/** Columns that lead to a row of another table, or of the same. */
export interface Step extends Matching {
  readonly columns: readonly string[]
  readonly parent: string
  readonly parentColumns: readonly string[]
  /** No foreign key declares it: rows may come before their parents, and stay without. */
  readonly undeclared?: boolean | undefined
  /**
   * The parent refers to the row by its `parentColumns`: a row may have several parents, or none.
   */
  readonly inverse?: boolean | undefined
  /** SQL over `r`: the rows that go this way. Absent: all whose columns are filled. */
  readonly when?: string | undefined
  /** A key on the way may be deferred: until commit a row's parent can become another one. */
  readonly deferrable: boolean
}

export interface ThroughPath extends Step {
  readonly kind: 'through'
  readonly path: TenantPath
}

/** Each row belongs by one of several ways. */
export interface AnyPath {
  readonly kind: 'any'
  readonly table: string
  /** Unique columns of the table, to which its own rows refer. */
  readonly key: readonly string[]
  /** Operators for equal keys; absent: `pg_catalog`'s. */
  readonly keyEquals?: readonly string[] | undefined
  /** Rows without this key have no rows below them, but are a tenant's as others are. */
  readonly keyMayBeNull?: boolean | undefined
  readonly ways: readonly ThroughPath[]
  /** To rows of the same table. */
  readonly selves: readonly Step[]
  readonly deferrable: boolean
}

/** The row tells its tenant without a parent. */
export function isOwn(path: TenantPath): path is Exclude<TenantPath, ThroughPath | AnyPath> {
  return path.kind === 'column' || path.kind === 'whole'
}

/** The references by which rows come and go with others: a round removes them with these. */
export function followedPath(path: TenantPath): TenantPath {
  return path.kind === 'whole' && path.below ? path.below : path
}

/** How many tables stand between a row and its tenant's column. */
export function hopsOf(path: TenantPath): number {
  if (isOwn(path)) return 0
  if (path.kind === 'through') return 1 + hopsOf(path.path)
  return 1 + Math.max(...path.ways.map((way) => hopsOf(way.path)))
}

/** The most references between a row of these and its tenant. Infinity: there is no limit. */
export function referencesMaxOf(tables: readonly { readonly path: TenantPath }[]): number {
  const most = ({ path }: { readonly path: TenantPath }) =>
    leadsThroughItself(path) ? Number.POSITIVE_INFINITY : hopsOf(path)
  return Math.max(0, ...tables.map(most))
}

function leadsThroughItself(path: TenantPath): boolean {
  return isRecursive(path) || above(path).some(leadsThroughItself)
}

/** All keys by which rows of the table find their tenant. */
export function stepsOf(path: TenantPath): readonly Step[] {
  if (isOwn(path)) return []
  return path.kind === 'through' ? [path] : [...path.ways, ...path.selves]
}

/** Rows may find their tenant through rows of the same table. */
export function isRecursive(path: TenantPath): path is AnyPath {
  return path.kind === 'any' && path.selves.length > 0
}

/** Some parents have parents themselves. */
export function isFar(path: TenantPath): boolean {
  return hopsOf(path) > 1 || isRecursive(path)
}

/** A reference on the way is kept by no foreign key. */
export function isUndeclared(path: TenantPath): boolean {
  return stepsOf(path).some((step) => step.undeclared) || above(path).some(isUndeclared)
}

/** Rows on the way, or these themselves, have several ways. */
export function hasSeveralWays(path: TenantPath): boolean {
  return path.kind === 'any' || above(path).some(hasSeveralWays)
}

/** The paths of parents in other tables. */
export function above(path: TenantPath): TenantPath[] {
  if (isOwn(path)) return []
  return path.kind === 'through' ? [path.path] : path.ways.map((way) => way.path)
}
