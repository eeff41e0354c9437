/**
 * Options of a table in a plan, with the types of its rows and of both databases. Types only.
 */
import type { ZodType } from 'zod'
import type { SqlText } from './sql-text.ts'
import type { Through } from './through.ts'
import type { TransformContext } from './transform-context.ts'
import type {
  AnyColumnPath,
  ColumnName,
  IfUntyped,
  OnlyColumns,
  OnlyRenamed,
  ReadRow,
  TargetName,
  WrittenRow,
} from './typed-table.ts'

/** A row's type that comes from the databases' types, where neither zod nor the author sets it. */
export interface OfDatabase {
  readonly ofDatabase: never
}

type RowGiven<Row, Source, Name, Drop, Rename, Compute extends string> = [Row] extends [OfDatabase]
  ? ReadRow<Source, Name, Drop, Rename, Compute>
  : Row

/** Any row for `table<Row>`, and the table's row for an `Out` that does not fit it. */
type OutReturned<Out, Target, To> =
  | Out
  | ([Out] extends [never]
      ? IfUntyped<Target, Record<string, unknown>, WrittenRow<Target, To>>
      : never)

/** For `table<Row, Out>` the author's word counts, else the databases'. */
type BackGiven<Out, Target, To> = IfUntyped<
  Target,
  OutReturned<Out, Target, To>,
  ReadRow<Target, To>
>

type UntypedBack<Row> = [Row] extends [OfDatabase] ? Record<string, unknown> : Row

type BackReturned<Back, Row, Source, Name> =
  | Back
  | ([Back] extends [never] ? IfUntyped<Source, UntypedBack<Row>, WrittenRow<Source, Name>> : never)

export interface OptionsOf<
  Row extends object,
  Out extends object,
  Back,
  Source,
  Target,
  Name,
  To,
  Drop extends string,
  Rename,
  Compute extends string,
> {
  /** The column that holds the tenant's id. Default: the plan's `tenantColumn`. */
  readonly tenant?: ColumnName<Source, Name>
  /**
   * Instead of `tenant`: the foreign-key columns that lead to a planned parent table, or columns
   * that do so without a declared key: `{ project_id: 'projects.id' }`.
   */
  readonly through?: Through<Source, Name>
  /**
   * Instead of both: the columns of planned tables that refer to the rows, e.g.
   * `tenants.settings_id`. A row belongs to the tenant whose rows refer to it.
   */
  readonly referencedBy?: AnyColumnPath<Source> | readonly AnyColumnPath<Source>[]
  /** Columns that tell rows apart. Default: the primary key found in the catalogue. */
  readonly key?: readonly ColumnName<Source, Name>[]
  /** The target's table. Default: the same name. */
  readonly to?: To | IfUntyped<Target, string, never>
  /** `tenant` and `through` of the target's table, where they differ there. */
  readonly targetTenant?: ColumnName<Target, TargetName<Name, To>>
  readonly targetThrough?: Through<Target, TargetName<Name, To>>
  /**
   * `'stay'`: rows without a tenant stay where they are. Default: `check` reports them.
   */
  readonly nobody?: 'stay'
  readonly columns?: {
    /** Source columns that the target does not get. */
    readonly drop?: readonly (Drop | IfUntyped<Source, string, never>)[]
    /** Source column → target column. */
    readonly rename?: Rename &
      OnlyColumns<Rename, Source, Name> &
      OnlyRenamed<Rename, Target, TargetName<Name, To>>
    /** Target column → SQL expression over the source row. */
    readonly compute?:
      | { readonly [Column in Compute]: SqlText }
      | IfUntyped<Target, Readonly<Record<string, SqlText>>, never>
  }
  /** Column of the source → the name in the plan's `newIds` by which it gets another id. */
  readonly newIds?: { readonly [Column in ColumnName<Source, Name>]?: string }
  /** Checked for every row before the transform. */
  readonly row?: ZodType<Row>
  readonly transform?: (
    row: RowGiven<Row, Source, Name, Drop, Rename, Compute>,
    context: TransformContext,
  ) => OutReturned<Out, Target, TargetName<Name, To>> | null
  /**
   * How many rows of a tenant may fail the check or the transform: they are kept in
   * `rehome.quarantine` at the target, and told. Default 0: the first one ends the move.
   */
  readonly quarantine?: number
  /** The number of rows that the target commits together. Default: the plan's `chunkRows`. */
  readonly chunkRows?: number
  /**
   * The way back: what the source's row has to be for a row of the target. With it a rollback takes
   * along what was written at the target also where a transform or `columns` lead to it.
   */
  readonly invert?: (
    row: BackGiven<Out, Target, TargetName<Name, To>>,
    context: TransformContext,
  ) => BackReturned<Back, Row, Source, Name> | null
}

/** A table at one end alone: fenced, counted and emptied as others, but no table's other half. */
export interface OneSideOptions<Db = never, Name = string> {
  readonly tenant?: ColumnName<Db, Name>
  readonly through?: Through<Db, Name>
  readonly referencedBy?: AnyColumnPath<Db> | readonly AnyColumnPath<Db>[]
  readonly nobody?: 'stay'
}

/** Treatment of a row that a tenant needs, where the other end lacks it or has it otherwise. */
export interface Sharing {
  /** `insert` (default): the row is inserted there. `refuse`: the move ends. */
  readonly missing: 'insert' | 'refuse'
  /**
   * `refuse` (default): the move ends. `keep`: the row there stays as it is. `update`: it becomes
   * equal in the compared columns.
   */
  readonly differing: 'refuse' | 'keep' | 'update'
  /** Columns of the source that are compared. Absent: all that both ends have. */
  readonly compare?: readonly string[] | undefined
  /**
   * The other end may know the same row under another id: rows are told apart by these columns of
   * the source, and what refers to them gets the id there. Absent: ids are equal at both ends.
   */
  readonly newIds?: { readonly by: readonly string[] } | undefined
  /**
   * The rows may refer to rows that move: they stay as they are, and until they are changed nothing
   * that they refer to is cleaned up. Default false: such a tenant does not move.
   */
  readonly leaveReferences?: boolean | undefined
}

/** Options without types of the databases. */
export type TableOptions<Row extends object, Out extends object> = OptionsOf<
  Row,
  Out,
  never,
  never,
  never,
  string,
  string,
  string,
  object,
  string
>
