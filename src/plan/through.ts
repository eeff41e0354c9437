/** How a plan names the columns by which rows find the tenant that they belong to. Pure. */
import type { SqlText } from './sql-text.ts'
import type { AnyColumnPath, ColumnName, IfUntyped } from './typed-table.ts'

/** One way from a row to a row of a planned table. */
export interface Way {
  /** Empty where `inverse`: the catalogue tells by which columns rows are referred to. */
  readonly columns: readonly string[]
  /** Absent: to where the declared foreign key of these columns leads. */
  readonly to?: { readonly table: string; readonly columns: readonly string[] } | undefined
  /** The rows `r` that go this way. Absent: all whose columns are filled. */
  readonly when?: SqlText | undefined
  /** The columns of `to` refer to this table: a row belongs to the rows that refer to it. */
  readonly inverse?: true | undefined
}

/**
 * Column → `table.column` that it refers to, without a foreign key that declares it. `when`: only
 * of the rows `r` for which it holds.
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

/** `table.column` of a planned table whose rows refer to these, or several such columns. */
export type ReferencedBy<Source = never> = AnyColumnPath<Source> | readonly AnyColumnPath<Source>[]

export function inverseWays(referencedBy: ReferencedBy | undefined): readonly Way[] {
  const paths = typeof referencedBy === 'string' ? [referencedBy] : (referencedBy ?? [])
  return paths.map((path) => {
    const { table, column } = splitPath(path)
    return { columns: [], to: { table, columns: [column] }, inverse: true }
  })
}

export function waysOf(
  through: Through | undefined,
  referencedBy?: ReferencedBy,
): readonly Way[] | undefined {
  if (referencedBy === undefined) return ownWays(through)
  return [...(ownWays(through) ?? []), ...inverseWays(referencedBy)]
}

function ownWays(through: Through | undefined): readonly Way[] | undefined {
  if (through === undefined) return undefined
  if (isAnyOf(through)) return through.anyOf
  const isList = Array.isArray(through) && through.some((one) => typeof one !== 'string')
  return isList ? (through as readonly Reference[]).map(wayOf) : [wayOf(through as string)]
}

function isAnyOf(through: Through): through is AnyOf {
  return typeof through === 'object' && 'anyOf' in through
}

function wayOf(way: OneWay<string>): Way {
  if (typeof way === 'string') return { columns: [way] }
  if (Array.isArray(way)) return { columns: way }
  return referenceOf(way as Reference)
}

/** The name of a column may not have a dot in it here, that of a table may. */
function splitPath(path: string): { readonly table: string; readonly column: string } {
  const at = path.lastIndexOf('.')
  return { table: path.slice(0, Math.max(at, 0)), column: path.slice(at + 1) }
}

function referenceOf(reference: Reference): Way {
  const paths = Object.entries(reference).filter(([, path]) => typeof path === 'string')
  const when = typeof reference.when === 'object' ? reference.when : undefined
  const entries = paths.map(([column, path]) => {
    const { table, column: to } = splitPath(String(path))
    return { column, table, to }
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
