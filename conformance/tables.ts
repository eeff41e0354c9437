/** The tables of an end as points look at them, and the rows of a tenant there. */
import type { Description } from '../src/ends/http/protocol/description.ts'
import type { Texts } from '../src/ends/tenant-rows.ts'
import { Broken, Untried } from './point.ts'
import type { Subject } from './subject.ts'

export type Table = Description['tables'][number]

/** More rows are not read for a point. */
const rowsMax = 5_000

export function keyOf(table: Table): readonly string[] {
  return table.uniques.find((unique) => unique.primary)?.columns ?? []
}

/** Those in which the tenant has rows, and not too many of them. Throws Untried where none has. */
export async function tablesWithRows(end: Subject): Promise<Table[]> {
  const { scope, tenant } = end
  const { tables } = await end.describe()
  const found: Table[] = []
  for (const table of tables) {
    const rows = await end.ask('count', { scope, tenant, table: table.name })
    if (rows > 0 && rows <= rowsMax) found.push(table)
  }
  if (found.length > 0) return found
  throw new Untried(`no table has between 1 and ${rowsMax} rows of "${tenant}"`)
}

export interface Pages {
  readonly tenant: string
  readonly table: Table
  readonly limit: number
  /** Default: all of the table. */
  readonly columns?: readonly string[]
}

/** One page after the other. Throws Broken where they go on for ever. */
export async function* pagesOf(
  end: Subject,
  { tenant, table, limit, columns = namesOf(table) }: Pages,
): AsyncGenerator<{ rows: readonly Texts[]; next: string | null }> {
  const asked = { scope: end.scope, tenant, table: table.name, limit }
  const of = columns.map((column) => ({ column, cast: null }))
  const seen = new Set<string>()
  let cursor: string | null = null
  for (;;) {
    const page: { rows: readonly Texts[]; next: string | null } = await end.read({
      ...asked,
      columns: of,
      cursor,
    })
    yield page
    if (page.next === null) return
    cursor = page.next
    if (seen.has(cursor)) throw new Broken(`"${table.name}": a cursor came twice`)
    seen.add(cursor)
  }
}

export async function rowsOf(end: Subject, pages: Pages): Promise<Texts[]> {
  const rows: Texts[] = []
  for await (const page of pagesOf(end, pages)) rows.push(...page.rows)
  return rows
}

export function namesOf(table: Table): string[] {
  return table.columns.map(({ name }) => name)
}

/** Values of some columns, of rows of all. */
export function valuesOf(table: Table, row: Texts, columns: readonly string[]): (string | null)[] {
  const names = namesOf(table)
  return columns.map((column) => row[names.indexOf(column)] ?? null)
}
