/**
 * How schemas and databases of tenants come to be at the target, and how schemas go when their
 * tenants have left.
 */

/** Makes the schema, or the database, of a tenant at the target. Throws where it cannot. */
export type Prepare = (of: Preparing) => Promise<unknown>

export interface Preparing {
  readonly tenant: string
  /** The name of its schema, as the plan's function returns it. */
  readonly schema: string
  /** That name as SQL: always quoted. */
  readonly quotedSchema: string
  /** The name of its database. Absent: one database has the schemas of many tenants. */
  readonly database?: string
  /**
   * Runs a statement at the target, in the tenant's database. All of one call of `prepare` are one
   * transaction.
   */
  readonly sql: (text: string) => Promise<readonly Readonly<Record<string, unknown>>[]>
}

interface Template {
  /**
   * Schemas are made like this one, which is at the target. Where tenants have databases: a
   * database of the same server, which is copied.
   */
  readonly like: string
}

interface Cleaning {
  /**
   * A clean-up also drops the tenant's emptied schema, unless it holds anything that the plan does
   * not move. Default false.
   */
  readonly drop: boolean
}

/** Fields of a plan whose tenants have schemas or databases of their own. */
export interface OwnSchemas {
  /** How `rehome init` makes missing schemas or databases at the target. Default: it makes none. */
  readonly prepare?: Template | Prepare | undefined
  readonly cleanup: Cleaning
}

export interface OwnSchemasInput extends Pick<OwnSchemas, 'prepare'> {
  readonly cleanup?: Partial<Cleaning>
}
