/** How a plan says by which columns rows find the row of a tenant that they belong to. Pure. */
import type { AnyColumnPath, ColumnName } from './typed-table.ts'

/** One way from a row to a row of a planned table. */
export interface Way {
  readonly columns: readonly string[]
  /** Absent: to where the declared foreign key of these columns leads. */
  readonly to?: { readonly table: string; readonly columns: readonly string[] } | undefined
}

/** Column → `table.column` that it refers to, without a foreign key that says so. */
export type Reference<Source = never, Name = string> = {
  readonly [Column in ColumnName<Source, Name>]?: AnyColumnPath<Source>
}

/** Columns of a declared foreign key, or a reference without one. */
export type Through<Source = never, Name = string> =
  | ColumnName<Source, Name>
  | readonly ColumnName<Source, Name>[]
  | Reference<Source, Name>

export function waysOf(through: Through | undefined): readonly Way[] | undefined {
  if (through === undefined) return undefined
  if (typeof through === 'string') return [{ columns: [through] }]
  if (Array.isArray(through)) return [{ columns: through }]
  return [wayOf(through as Reference)]
}

/** The name of a column may not have a dot in it here, that of a table may. */
function wayOf(reference: Reference): Way {
  const entries = Object.entries(reference).map(([column, path]) => {
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
  }
}
