/**
 * Whole databases as texts. Knows nothing of rehome but the names of its schemas, and of the case
 * nothing but marks: it asks the catalogue which tables there are.
 */
import type pg from 'pg'
import type { Case, Column, Table } from './cases/case.ts'
import { knownParent } from './cases/case-sql.ts'
import { literal, name } from './draw/draw.ts'

export interface Line {
  readonly schema: string
  readonly table: string
  readonly owner: string
  readonly mark: string
  /** Columns by name, each as text. */
  readonly text: string
}

const tables = `select n.nspname as schema, c.relname as table,
    array_agg(a.attname::text) as columns
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
    join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
  where c.relkind in ('r', 'p') and not c.relispartition
    and n.nspname !~ '^(pg_|information_schema$|rehome|extensions$)'
  group by 1, 2 order by 1, 2`

interface Shape {
  readonly name: string
  readonly value: string
}

/** Table and column → its name at the target, and its value there as an expression over the row. */
export type Shapes = ReadonlyMap<string, Shape>

/** Names in place of ids that differ between the ends: the same at both. */
export function knownShapes(kase: Case): Shapes {
  const shapes = kase.tables.flatMap((table) =>
    table.columns.flatMap(({ name: column }) => {
      const value = nameOf(kase, { table, column })
      return value ? [[`${table.name} ${column}`, { name: column, value }] as const] : []
    }),
  )
  return new Map(shapes)
}

function nameOf(kase: Case, { table, column }: { table: Table; column: string }): string | null {
  if (table.knownBy !== null && table.key[0] === column) return `r.${name(table.knownBy)}`
  const parent = knownParent(kase, { table: table.name, column })
  if (!parent?.knownBy) return null
  const at = `${name(kase.schema)}.${name(parent.name)}`
  const same = `k.${name(parent.key[0] ?? '')} = r.${name(column)}`
  return `coalesce((select k.${name(parent.knownBy)} from ${at} k where ${same}), r.${name(column)}::text)`
}

/** Columns that are not at the target as they are at the source. */
export function shapesOf(kase: Case): Shapes {
  const shapes = kase.tables.flatMap((table) =>
    table.columns
      .filter(({ targetType, becomes }) => targetType !== null || becomes !== null)
      .map((column) => [`${table.name} ${column.name}`, shapeOf(column)] as const),
  )
  return new Map([...knownShapes(kase), ...shapes])
}

function shapeOf({ name: own, targetType, becomes }: Column): Shape {
  const value = `r.${name(own)}${targetType ? `::${targetType}` : ''}`
  if (!becomes) return { name: own, value }
  return { name: becomes.name, value: `(${literal(becomes.prefix)} || ${value})` }
}

export async function readWhole(pool: pg.Pool, shapes: Shapes = new Map()): Promise<Line[]> {
  const { rows } = await pool.query<{ schema: string; table: string; columns: string[] }>(tables)
  if (rows.length === 0) return []
  const queries = rows.map(({ schema, table, columns }) => {
    const values = columns
      .map((own) => shapes.get(`${table} ${own}`) ?? { name: own, value: `r.${name(own)}` })
      .toSorted((left, right) => (left.name < right.name ? -1 : 1))
      .map((one) => `${literal(one.name)}, ${one.value}::text`)
    return `select ${literal(schema)} as schema, ${literal(table)} as table, r.mark as mark,
      json_build_object(${values.join(', ')})::text as text from ${name(schema)}.${name(table)} r`
  })
  const found = await pool.query<Omit<Line, 'owner'>>(queries.join(' union all '))
  return found.rows
    .map((line) => ({ ...line, owner: line.mark.split('/')[0] ?? '' }))
    .sort((left, right) => compare(left, right))
}

function compare(left: Line, right: Line): number {
  const [one, other] = [`${left.table} ${left.text}`, `${right.table} ${right.text}`]
  return one < other ? -1 : one > other ? 1 : 0
}

/** Lines that are in one and not in the other, at most so many; empty where they are equal. */
export function differences(
  wanted: readonly Line[],
  found: readonly Line[],
  linesMax = 8,
): string[] {
  const textOf = ({ table, text }: Line) => `${table} ${text}`
  const counts = new Map<string, number>()
  for (const line of wanted) counts.set(textOf(line), (counts.get(textOf(line)) ?? 0) + 1)
  for (const line of found) counts.set(textOf(line), (counts.get(textOf(line)) ?? 0) - 1)
  const lines = [...counts]
    .filter(([, count]) => count !== 0)
    .map(([text, count]) => `${count > 0 ? 'missing' : 'unexpected'}: ${text}`)
  const more = lines.length - linesMax
  return more > 0 ? [...lines.slice(0, linesMax), `and ${more} more`] : lines
}
