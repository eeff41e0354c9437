/**
 * Transactions that would leave a row of a tenant without a parent, where no foreign key refuses
 * them: the one that writes the parent was never begun, or was refused.
 */
import type pg from 'pg'
import type { Case, Table, Way, Write } from './cases/case.ts'
import { inOwnSchema, tableOfWrite } from './cases/case-sql.ts'
import { literal, name } from './draw/draw.ts'

type Values = Readonly<Record<string, string>>

/** `pool`: where every row is that was written. */
export async function isRootless(
  kase: Case,
  writes: readonly Write[],
  pool: pg.Pool,
): Promise<boolean> {
  const conditions = writes.flatMap((write) => {
    const table = kase.tables.find((one) => one.name === tableOfWrite(write))
    if (!table || table.ways.every(({ declared }) => declared)) return []
    return rowsOf(write).flatMap((values) => leads(kase, { table, values, writes }))
  })
  if (conditions.length === 0) return false
  const client = await pool.connect()
  try {
    const path = `${name(kase.schema)}, extensions, public`
    await client.query(`begin; set local search_path = ${path}`)
    const all = conditions.map((one) => `(${one}) is true`).join(' and ')
    return !(await client.query<{ all: boolean }>(`select ${all} as all`)).rows[0]?.all
  } finally {
    await client.query('rollback')
    client.release()
  }
}

/** Values of rows of tenants, as far as the write sets them. */
function rowsOf(write: Write): Values[] {
  const isTenants = (mark: string) => !mark.startsWith('-/')
  if (write.kind === 'copy')
    return write.rows.filter(({ mark }) => isTenants(mark)).map(({ values }) => values)
  if (write.kind === 'insert') return isTenants(write.row.mark) ? [write.row.values] : []
  return write.kind === 'update' && isTenants(write.mark) ? [write.set] : []
}

interface Written {
  readonly table: Table
  readonly values: Values
  readonly writes: readonly Write[]
}

/** Whether a way leads on from the row. Empty: the write leaves its ways as they are. */
function leads(kase: Case, { table, values, writes }: Written): string[] {
  if (!table.ways.some(({ columns }) => columns.some((column) => column in values))) return []
  const filled = table.ways.filter(({ columns, kind }) => {
    const isFilled = columns.every((column) => (values[column] ?? 'null') !== 'null')
    return isFilled && (kind === null || values.kind === literal(kind))
  })
  return [filled.map((way) => hasParent(kase, way, { values, writes })).join(' or ') || 'false']
}

function hasParent(
  kase: Case,
  way: Way,
  { values, writes }: Pick<Written, 'values' | 'writes'>,
): string {
  const parent = kase.tables.find((one) => one.name === way.parent)
  const typed = (value: string, key: string) => {
    const type = parent?.columns.find((one) => one.name === key)?.type ?? 'text'
    return `(${inOwnSchema(kase, value)})::${inOwnSchema(kase, type)}`
  }
  const equals = (left: (key: string) => string) =>
    way.parentColumns
      .map((key, i) => `${left(key)} = ${typed(values[way.columns[i] ?? ''] ?? 'null', key)}`)
      .join(' and ')
  const at = `${name(kase.schema)}.${name(way.parent)}`
  const together = writes
    .filter((write) => write.kind !== 'update' && tableOfWrite(write) === way.parent)
    .flatMap(rowsOf)
    .map((row) => equals((key) => typed(row[key] ?? 'null', key)))
  const there = `exists (select from ${at} p where ${equals((key) => `p.${name(key)}`)})`
  return [there, ...together.map((one) => `(${one})`)].join(' or ')
}
