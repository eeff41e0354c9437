/** Queries of the plan's own functions at an end. */
import type { End } from '../ends/end.ts'
import type { SqlText } from '../plan/sql-text.ts'
import type { Lookup } from '../plan/transform-context.ts'

const rowsMax = 100_000

/** Rows of a query of the plan at one end, as texts. Throws where it takes over `withinMs`. */
export function lookupAt(end: End, withinMs?: number): Lookup {
  return async (query: SqlText) => {
    const { columns, rows } = await end.rows.ask(query.sql, rowsMax, withinMs)
    return rows.map((row) => Object.fromEntries(columns.map((name, i) => [name, row[i] ?? null])))
  }
}
