/** The way from a row to its tenant. */

export type TenantPath =
  | { readonly kind: 'column'; readonly column: string }
  | {
      readonly kind: 'through'
      readonly columns: readonly string[]
      readonly parent: string
      readonly parentColumns: readonly string[]
      /** A key on the way may be deferred: until commit a row's parent can become another one. */
      readonly deferrable: boolean
      readonly path: TenantPath
    }

/** How many parents stand between a row and its tenant's column. */
export function hopsOf(path: TenantPath): number {
  return path.kind === 'column' ? 0 : 1 + hopsOf(path.path)
}
