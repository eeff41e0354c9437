/** In which ways a table's rows can be a tenant's. Types only. */

/** One key of a table: its columns, and the table that they refer to. */
export interface KeyTo {
  readonly columns: readonly string[]
  readonly parent: string
}

export type Belonging =
  /** A column holds the tenant's id. */
  | { readonly kind: 'column'; readonly column: string }
  /** Each row refers by this key to one row that is a tenant's. */
  | ({ readonly kind: 'through' } & KeyTo)
  /** A row refers to rows of a tenant by one of several keys, each of which may be null. */
  | { readonly kind: 'any of'; readonly keys: readonly KeyTo[] }
  /** A column refers to rows of a tenant, and no foreign key declares it. */
  | ({ readonly kind: 'undeclared' } & KeyTo)
  /** One column names a table, the other one a row of it. */
  | {
      readonly kind: 'polymorphic'
      readonly type: string
      readonly id: string
      /** Types in the sample that name a table of tenants. */
      readonly targets: readonly TypeTarget[]
      /** The other types in the sample. */
      readonly unknown: readonly string[]
    }
  /** Rows of a tenant refer to the table's rows, each to one of its own. */
  | { readonly kind: 'referred to'; readonly by: readonly Referrer[] }
  /** Rows of several tenants refer to one row. */
  | { readonly kind: 'shared'; readonly by: readonly Referrer[] }
  /** The rows tell more about shared rows. */
  | ({ readonly kind: 'of shared' } & KeyTo)
  /** Nothing leads to a tenant. */
  | { readonly kind: 'none' }

export interface TypeTarget {
  readonly type: string
  readonly parent: string
}

export interface Referrer {
  readonly table: string
  readonly columns: readonly string[]
}

export interface ClassifiedTable {
  readonly table: string
  readonly belonging: Belonging
  /** Why, as a whole sentence without its end. */
  readonly why: string
  /** Why it may be otherwise. Absent: the schema leaves no doubt. */
  readonly doubt?: string | undefined
  /** The sample has rows of no tenant. */
  readonly tenantless?: boolean | undefined
}

/** Nulls and values in a sample of a table's rows. */
export interface TableSample {
  readonly rows: number
  /** Column → number of these rows in which it is null. */
  readonly nulls: Readonly<Record<string, number>>
  /** Column → number of different values. */
  readonly distinct: Readonly<Record<string, number>>
  /** Columns that an index begins with. Absent: it was not asked. */
  readonly indexed?: readonly string[]
  /** Column that names tables → the names. */
  readonly types?: Readonly<Record<string, readonly string[]>>
}

export type Sample = ReadonlyMap<string, TableSample>
