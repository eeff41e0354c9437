/** Demands of a table on each row that comes, beside those of its columns. Types only. */

export interface Demand {
  readonly kind: 'check' | 'domain' | 'partition' | 'unique' | 'exclusion'
  /** The constraint's name, or the relation that has no partition for a row. */
  readonly name: string
  /** The table itself, or the partition of it that demands it. */
  readonly relation: string
  /** Condition for the rows that come to that partition. null: all rows. */
  readonly within: string | null
  /**
   * A condition on the columns, by their names: a check, whether there is a partition, or which
   * rows an index has. Of a domain: on `value`. null: an index has all rows.
   */
  readonly sql: string | null
  /** The columns of the table that it reads. */
  readonly columns: readonly string[]
  /** Means the same at another database. */
  readonly portable: boolean
  /** The rows that are there satisfy it. */
  readonly valid: boolean
  /** Columns and expressions of an index. */
  readonly parts?: readonly string[]
  /** Operators by which two rows would conflict, part by part; of an exclusion constraint. */
  readonly operators?: readonly string[]
  /** A unique index takes nulls for equal. */
  readonly nullsEqual?: boolean
}
