/** How a plan says by which columns rows find the row of a tenant that they belong to. Pure. */
import type { SqlText } from './sql-text.ts'
import type { AnyColumnPath, ColumnName, IfUntyped } from './typed-table.ts'

/** One way from a row to a row of a planned table. */
export interface Way {
  readonly columns: readonly string[]
  /** Absent: to where the declared foreign key of these columns leads. */
  readonly to?: { readonly table: string; readonly columns: readonly string[] } | undefined
  /** The rows `r` that go this way. Absent: all whose columns are filled. */
  readonly when?: SqlText | undefined
}

/**
 * Column → `table.column` that it refers to, without a foreign key that says so. `when`: only of
 * the rows `r` for which it holds.
 */
export type Reference<Source = never, Name = string> = IfUntyped<
  Source,
  Readonly<Record<string, string | SqlText>>,
  { readonly [Column in ColumnName<Source, Name>]?: AnyColumnPath<Source> } & {
    readonly when?: SqlText
  }
>

/** Made by `anyOf`. */
export interface AnyOf<Column extends string = string> {
  readonly anyOf: readonly Way[]
  /** For the compiler alone. */
  readonly columns?: Column
}

/** Columns of a declared foreign key, references without one, or several of both. */
export type Through<Source = never, Name = string> =
  | ColumnName<Source, Name>
  | Reference<Source, Name>
  // One list, so that the compiler names what is wrong in it.
  | readonly (ColumnName<Source, Name> | Reference<Source, Name>)[]
  | AnyOf<ColumnName<Source, Name>>

type OneWay<Column extends string> = Column | readonly Column[] | Readonly<Record<string, unknown>>

/**
 * Several ways, of which each row may go one: columns of declared foreign keys, or references. One
 * of them may lead to the table itself.
 */
export function anyOf<const Column extends string>(...ways: OneWay<Column>[]): AnyOf<Column> {
  return { anyOf: ways.map(wayOf) }
}

export function waysOf(through: Through | undefined): readonly Way[] | undefined {
  if (through === undefined) return undefined
  if (typeof through === 'object' && 'anyOf' in through) return (through as AnyOf).anyOf
  const isList = Array.isArray(through) && through.some((one) => typeof one !== 'string')
  return isList ? (through as readonly Reference[]).map(wayOf) : [wayOf(through as string)]
}

function wayOf(way: OneWay<string>): Way {
  if (typeof way === 'string') return { columns: [way] }
  if (Array.isArray(way)) return { columns: way }
  return referenceOf(way as Reference)
}

/** The name of a column may not have a dot in it here, that of a table may. */
function referenceOf(reference: Reference): Way {
  const paths = Object.entries(reference).filter(([, path]) => typeof path === 'string')
  const when = typeof reference.when === 'object' ? reference.when : undefined
  const entries = paths.map(([column, path]) => {
    const text = String(path)
    const at = text.lastIndexOf('.')
    return { column, table: text.slice(0, Math.max(at, 0)), to: text.slice(at + 1) }
  })
  const tables = new Set(entries.map(({ table }) => table))
  return {
    columns: entries.map(({ column }) => column),
    // The check of the plan refuses a table without a name.
    to: {
      table: tables.size === 1 ? (entries[0]?.table ?? '') : '',
      columns: entries.map(({ to }) => to),
    },
    ...(when && { when }),
  }
}
