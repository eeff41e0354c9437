/**
 * The parts of a case of the fuzzer, as plain data: two schemas, rows, a story. Whatever can
 * be taken out of it without making it meaningless is an entry of a list, so that a failing case
 * can be shrunk. Types only.
 *
 * Invariant: each row of every table has a `mark`, `owner/number`, which nothing but the oracle
 * reads. So the oracle knows whose a row is without asking a column, a path or a comparison.
 */

export type EndName = 'source' | 'target'

/** `a` moves, `b` and `c` stay at the source, `d` lives at the target, `-` is no tenant. */
export type Owner = 'a' | 'b' | 'c' | 'd' | '-'

export interface Column {
  readonly name: string
  /** The type as SQL writes it, a collation included. */
  readonly type: string
  readonly notNull: boolean
  /** Default, identity or generation expression, as SQL. */
  readonly rest: string
  /** `number`: its default takes numbers from a sequence. `generated`: it cannot be written. */
  readonly fills: 'number' | 'generated' | null
  /** Columns that its expression reads. */
  readonly reads: readonly string[]
  /** Where the target has another type, or lacks the column. */
  readonly targetType: string | null
  readonly becomes: Becomes | null
}

/** Change that the plan makes to a column of texts: another name at the target, or other values. */
export interface Becomes {
  /** Its name at the target. */
  readonly name: string
  /** Put in front of each value. */
  readonly prefix: string
  /** `columns`: by `rename` or `compute`. `transform`: by JavaScript. */
  readonly by: 'columns' | 'transform'
}

export interface Partitioned {
  /** The first column of the key; by range: numbers below and from the border on. */
  readonly by: 'hash' | 'range'
  readonly parts: readonly string[]
  /** The first one has partitions itself, by hash. */
  readonly deep: boolean
}

/** A way from a row to its tenant, of a table that has no column for it. */
export interface Way {
  readonly columns: readonly string[]
  readonly parent: string
  readonly parentColumns: readonly string[]
  /** A foreign key says so, too. */
  readonly declared: boolean
  /** The type of rows that go this way. null: any. */
  readonly kind: string | null
}

export interface Referrer {
  readonly table: string
  readonly column: string
}

export interface Table {
  readonly name: string
  /** Another schema than the plan's: the table stays, whatever refers to it. */
  readonly outside: string | null
  readonly columns: readonly Column[]
  readonly key: readonly string[]
  /**
   * `unique`: it has no primary key, only a unique constraint of columns that are not null.
   * `temporal`: the last column is a range, in which equal keys do not overlap.
   */
  readonly keyKind: 'primary' | 'unique' | 'temporal'
  readonly partitioned: Partitioned | null
  /** Rows without a tenant, the same at both ends. */
  readonly shared: boolean
  /** A shared table some of whose rows are at the source alone: the plan brings them. */
  readonly brought: boolean
  /** The column by which both ends know a row that is brought: ids may differ. null: they agree. */
  readonly knownBy: string | null
  /** Columns that refer to its rows, which belong to the tenant of the rows that do. */
  readonly referredBy: readonly Referrer[]
  /** The column with the tenant's id. */
  readonly tenant: string | null
  /** Empty: it has that column, or one declared key leads to the tenant. */
  readonly ways: readonly Way[]
  /** Where the plan has a choice, it leaves the table out. */
  readonly left: boolean
  /** The target's columns stand in the opposite order. */
  readonly turned: boolean
  /** Where it had a column that was dropped. */
  readonly gone: 'source' | 'target' | null
}

export interface Constraint {
  readonly name: string
  readonly table: string
  readonly columns: readonly string[]
  /** The parent of a foreign key. */
  readonly parent: string | null
  /** Behind `add constraint …`. */
  readonly sql: string
  /** The one partition that it refers to. */
  readonly parentPart: string | null
  /** The one partition that declares it. */
  readonly part: string | null
  /** The one end that has it. */
  readonly only: 'source' | 'target' | null
}

/** A type, an extension, a sequence, a trigger with its function, a rule. */
export interface Piece {
  readonly name: string
  /** The table that it belongs to, if it is one's. */
  readonly of: string | null
  readonly source: string
  readonly target: string
}

export interface Row {
  readonly table: string
  readonly mark: string
  readonly owner: Owner
  /** Column → literal. Others get their defaults. */
  readonly values: Readonly<Record<string, string>>
  /** No path that a plan may choose needs to find it. */
  readonly stray: boolean
  /** A shared row that the target lacks. */
  readonly absent?: true
  /** Values of a shared row at the target, where they are others. */
  readonly there?: Readonly<Record<string, string>>
}

export type Write =
  | { readonly kind: 'insert'; readonly row: Row }
  | {
      readonly kind: 'update'
      readonly table: string
      readonly mark: string
      readonly set: Readonly<Record<string, string>>
    }
  | { readonly kind: 'delete'; readonly table: string; readonly mark: string }
  /** Rows of one owner, by COPY. */
  | { readonly kind: 'copy'; readonly table: string; readonly rows: readonly Row[] }
  /** Everybody's rows. */
  | { readonly kind: 'truncate'; readonly table: string; readonly cascade: boolean }
  /** One statement on all rows of a table: of the tenant, or of everybody. */
  | {
      readonly kind: 'update all' | 'delete all'
      readonly table: string
      readonly whose: 'a' | 'all'
      readonly set: Readonly<Record<string, string>>
    }

export interface Transaction {
  readonly at: number
  readonly isolation: 'read committed' | 'repeatable read' | 'serializable'
  /** How long it stays open before it commits. */
  readonly holdMs: number
  readonly writes: readonly Write[]
}

export type Errand = 'move' | 'rollback' | 'cleanup' | 'finalize' | 'rehearse' | 'audit'

export interface Step {
  readonly do: Errand | 'write'
  /** Begun at the errand's nth moment; of `write` one after the other. */
  readonly writes: readonly Transaction[]
  /** The worker is stopped at the nth moment, and another attempt follows. */
  readonly stopAt: number | null
  /** A stopped move is called off instead. */
  readonly withdraw: boolean
}

/** Form of a tenant at an end: rows of shared tables, a schema, or a database. */
export type Shape = 'column' | 'schema' | 'database'

export type Role = 'superuser' | 'replicating' | 'plain'

export interface Story {
  /** A word for the report. */
  readonly kind: string
  readonly strategy: 'offline' | 'online'
  readonly windowMs: number
  readonly role: Role
  /** Ends that are reached over HTTP. */
  readonly over: readonly EndName[]
  readonly shapes: Readonly<Record<EndName, Shape>>
  /** Sequences of the target begin far beyond those of the source. */
  readonly parted: boolean
  readonly steps: readonly Step[]
}

export interface Case {
  readonly seed: number
  readonly number: number
  readonly schema: string
  readonly tenantIds: Readonly<Record<Owner, string>>
  /** Before the tables: types, extensions, sequences. */
  readonly prelude: readonly Piece[]
  readonly tables: readonly Table[]
  readonly rows: readonly Row[]
  readonly constraints: readonly Constraint[]
  /** After the rows: triggers and rules. */
  readonly reactions: readonly Piece[]
  /** After the rows: where sequences stand. */
  readonly positions: readonly Piece[]
  /** One more row for each table, tried at the tenant's home in the end. */
  readonly probes: readonly Row[]
  readonly story: Story
}
