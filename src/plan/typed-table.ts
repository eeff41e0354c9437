/**
 * How the types of two databases, as Kysely's `DB` interfaces have them, check a plan while it is
 * written. Types only: what the databases really contain is checked by routes.ts.
 *
 * `never` stands for a database whose types are unknown; everything is allowed of its tables.
 */
import type { InsertType, SelectType } from 'kysely'

declare const databases: unique symbol

/** Carries the types of both databases from `definePlan` to the tables in it. Never set. */
export interface OfDatabases<Source, Target> {
  readonly [databases]?: { readonly source: Source; readonly target: Target } | undefined
}

export type IfUntyped<Db, Untyped, Typed> = [Db] extends [never] ? Untyped : Typed

/** Tables of a database. */
export type TableName<Db> = IfUntyped<Db, string, keyof Db & string>

/** Columns of one of its tables. */
export type ColumnName<Db, Table> = IfUntyped<
  Db,
  string,
  Table extends keyof Db ? keyof Db[Table] & string : string
>

/** Columns of any of its tables. */
export type AnyColumnName<Db> = IfUntyped<
  Db,
  string,
  { [Table in keyof Db]: keyof Db[Table] & string }[keyof Db]
>

/** `table.column` for any column of its tables. */
export type AnyColumnPath<Db> = IfUntyped<
  Db,
  string,
  { [Table in keyof Db & string]: `${Table}.${keyof Db[Table] & string}` }[keyof Db & string]
>

/** A column's value in a transform: dates and times are PostgreSQL's texts, int8 is bigint. */
type ReadValue<Column> =
  bigint extends InsertType<Column>
    ? bigint | Extract<SelectType<Column>, null>
    : AsText<SelectType<Column>>

type AsText<Value> = Value extends Date
  ? string
  : Value extends (infer Item)[]
    ? AsText<Item>[]
    : Value

/** TypeScript takes `'open'` in a returned row for any text, so an enum's column accepts texts. */
type WrittenValue<Column> = AnyText<InsertType<Column> | ReadValue<Column>>

type AnyText<Value> = Value extends string ? string : Value

/** `null`, `undefined` or a generated value may stand for it. */
type OptionalColumn<Row> = {
  [Column in keyof Row]-?: undefined extends InsertType<Row[Column]>
    ? Column
    : null extends InsertType<Row[Column]>
      ? Column
      : never
}[keyof Row]

/** A table's row as a transform of one of its rows has to make it. */
export type WrittenRow<Db, Table> = IfUntyped<
  Db,
  object,
  Table extends keyof Db
    ? { [C in Exclude<keyof Db[Table], OptionalColumn<Db[Table]>>]: WrittenValue<Db[Table][C]> } & {
        [C in OptionalColumn<Db[Table]>]?: WrittenValue<Db[Table][C]>
      }
    : object
>

/** A table's row as a transform reads it: without what is dropped, under new names. */
export type ReadRow<
  Db,
  Table,
  Drop = never,
  Rename = unknown,
  Compute extends string = never,
> = IfUntyped<
  Db,
  Record<string, unknown>,
  Table extends keyof Db
    ? Simplify<Kept<Db[Table], Drop, Rename> & Record<Compute, unknown>>
    : Record<string, unknown>
>

type Kept<Row, Drop, Rename> = {
  -readonly [C in Exclude<keyof Row, Drop> as Renamed<C, Rename>]: ReadValue<Row[C]>
}

/** The target's table: the one that `to` names, else that of the same name. */
export type TargetName<Name, To> = [To] extends [never] ? Name : To

type Renamed<Column, Rename> = Column extends keyof Rename
  ? Rename[Column] extends string
    ? Rename[Column]
    : Column
  : Column

type Simplify<T> = { [K in keyof T]: T[K] }

/** A message as a type, for a row with a column that its table lacks. */
export type OnlyColumns<Row, Db, Table> = IfUntyped<
  Db,
  unknown,
  NoColumn<UnknownColumn<Row, Db, Table>, Table>
>

type UnknownColumn<Row, Db, Table> = [Row] extends [never]
  ? never
  : Exclude<keyof Row, ColumnName<Db, Table>> & string

type NoColumn<Column extends string, Table> = [Column] extends [never]
  ? unknown
  : `table "${Table & string}" has no column "${Column}"`

/** Such a message for columns that are renamed to one that the target lacks. */
export type OnlyRenamed<Rename, Db, Table> = IfUntyped<
  Db,
  unknown,
  NoColumn<Exclude<Rename[keyof Rename], ColumnName<Db, Table>> & string, Table>
>
