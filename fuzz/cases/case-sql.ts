/** A case as SQL: what makes the source, what makes the target, a write. */

import { border } from '../draw/draft.ts'
import { literal, name, names } from '../draw/draw.ts'
import type { Case, Column, Constraint, EndName, Piece, Row, Table, Write } from './case.ts'

export function sqlOf(kase: Case, end: EndName): string {
  const own = (pieces: readonly Piece[]) => pieces.map((piece) => piece[end])
  const rows = kase.rows.filter((row) => isAt(kase, row, end))
  const statements = [
    ...(kase.schema === 'public' ? [] : [`create schema ${name(kase.schema)}`]),
    ...outsideOf(kase).map((schema) => `create schema ${name(schema)}`),
    ...own(kase.prelude),
    ...kase.tables.flatMap((table) => tableSql(kase, table, end)),
    ...rows.map((row) => insertSql(kase, row, end)),
    ...kase.constraints
      .filter(({ only }) => only === null || only === end)
      .map((constraint) => constraintSql(kase, constraint)),
    ...own(kase.reactions),
    ...own(kase.positions),
  ]
  return statements
    .filter((sql) => sql !== '')
    .map((sql) => `${sql};\n`)
    .join('')
}

function isAt({ tables }: Case, { table, owner, absent }: Row, end: EndName): boolean {
  if (absent) return end === 'source'
  if (tables.find((one) => one.name === table)?.shared) return true
  return (owner === 'd') === (end === 'target')
}

/** Schemas that no plan names. */
export function outsideOf({ tables }: Case): string[] {
  return [...new Set(tables.flatMap(({ outside }) => outside ?? []))]
}

/** A table, or a part of one, as SQL names it. */
function at({ schema, tables }: Case, table: string, part: string | null = null): string {
  const outside = tables.find((one) => one.name === table)?.outside
  return `${name(outside ?? schema)}.${name(part ? `${table} ${part}` : table)}`
}

function tableSql(kase: Case, table: Table, end: EndName): string[] {
  const { columns, partitioned, key } = table
  const ordered = end === 'target' && table.turned ? columns.toReversed() : columns
  const lines = ordered.map((column) => `  ${columnSql(column, end)}`)
  const without = table.keyKind === 'temporal' ? ' without overlaps' : ''
  const unique = `  ${table.keyKind === 'unique' ? 'unique' : 'primary key'} (${names(key)}${without})`
  const isGone = table.gone === end
  const gone = isGone ? ['  "gone" int default 7'] : []
  const all = [...gone, ...lines, ...(key.length > 0 ? [unique] : [])].join(',\n')
  const by = partitioned ? ` partition by ${partitioned.by} (${name(key[0] ?? '')})` : ''
  const parts = partitioned?.parts ?? []
  const drop = `alter table ${at(kase, table.name)} drop column "gone"`
  return [
    `create table ${at(kase, table.name)} (\n${all}\n)${by}`,
    ...(isGone ? [drop] : []),
    ...parts.flatMap((part, i) => {
      const own = at(kase, table.name, part)
      const of = `partition of ${at(kase, table.name)} for values`
      const range = i === 0 ? `from (minvalue) to (${border})` : `from (${border}) to (maxvalue)`
      const hash = `with (modulus ${parts.length}, remainder ${i})`
      const create = `create table ${own} ${of} ${partitioned?.by === 'range' ? range : hash}`
      return i === 0 && partitioned?.deep ? deepSql(kase, table, { part, create }) : [create]
    }),
  ]
}

/** Partitions of a partition, by the last column of the key. */
function deepSql(
  kase: Case,
  { name: table, key }: Table,
  { part, create }: { readonly part: string; readonly create: string },
): string[] {
  const of = `partition of ${at(kase, table, part)} for values`
  const below = [0, 1].map((i) => {
    return `create table ${at(kase, table, `${part} s${i}`)} ${of} with (modulus 2, remainder ${i})`
  })
  return [`${create} partition by hash (${name(key.at(-1) ?? '')})`, ...below]
}

function columnSql(column: Column, end: EndName): string {
  const type = end === 'target' ? (column.targetType ?? column.type) : column.type
  const notNull = column.notNull ? ' not null' : ''
  const own = end === 'target' ? (column.becomes?.name ?? column.name) : column.name
  return `${name(own)} ${type}${notNull}${column.rest ? ` ${column.rest}` : ''}`
}

function constraintSql(kase: Case, { name: own, table, sql, part }: Constraint): string {
  const relation = at(kase, table, part)
  return `alter table ${relation} add constraint ${name(own)} ${sql}`
}

export function insertSql(kase: Case, { table, there, ...row }: Row, end: EndName): string {
  const values = end === 'target' ? { ...row.values, ...there } : row.values
  const set = valuesAt(kase, { table, values, end })
  const columns = set.map(([column]) => column)
  const literals = set.map(([, value]) => value)
  return `insert into ${at(kase, table)} (${names(columns)}) overriding system value
  values (${literals.join(', ')})`
}

interface Valued {
  readonly table: string
  readonly values: Readonly<Record<string, string>>
  readonly end: EndName
}

/** Columns and values as this end has them. */
function valuesAt(kase: Case, { table, values, end }: Valued): [column: string, value: string][] {
  const columns = kase.tables.find(({ name: own }) => own === table)?.columns ?? []
  return Object.entries(values).map(([column, value]) => {
    const own =
      end === 'target' ? idThere(kase, { table, column, value }) : inOwnSchema(kase, value)
    const becomes = columns.find((one) => one.name === column)?.becomes
    if (!becomes || end === 'source') return [column, own]
    return [becomes.name, becomes.prefix ? `${literal(becomes.prefix)} || ${own}` : own]
  })
}

/** The id that the shared row has at the target to which a column refers. */
function idThere(
  kase: Case,
  { table, column, value }: { table: string; column: string; value: string },
): string {
  const parent = knownParent(kase, { table, column })
  const [key = ''] = parent?.key ?? []
  const row = kase.rows.find((one) => one.table === parent?.name && one.values[key] === value)
  if (!parent?.knownBy || !row) return inOwnSchema(kase, value)
  const known = row.values[parent.knownBy]
  return `(select k.${name(key)} from ${at(kase, parent.name)} k where k.${name(parent.knownBy)} = ${known})`
}

/** The shared table with other ids at the target to which a column refers. */
export function knownParent(
  { tables, constraints }: Case,
  { table, column }: { table: string; column: string },
): Table | undefined {
  const key = constraints.find((one) => {
    return one.table === table && one.parent !== null && one.columns[0] === column
  })
  return tables.find(({ name: own, knownBy }) => own === key?.parent && knownBy !== null)
}

export function inOwnSchema({ schema }: Pick<Case, 'schema'>, value: string): string {
  return value.replaceAll('%s.', `${name(schema)}.`)
}

/** Without `overriding system value`: as the application writes. */
export function writeSql(kase: Case, write: Write, end: EndName): string {
  if (write.kind === 'insert') {
    const sql = insertSql(kase, write.row, end)
    return hasNumber(kase, write.row) ? sql : sql.replace(' overriding system value', '')
  }
  if ('whose' in write) return allSql(kase, write, end)
  const table = at(kase, write.table)
  if (write.kind === 'copy') return copySql(kase, write, end)
  if (write.kind === 'truncate') return `truncate ${table}${write.cascade ? ' cascade' : ''}`
  const where = `where rtrim(mark, '!~') = ${literal(write.mark)}`
  if (write.kind === 'delete') return `delete from ${table} ${where}`
  return `update ${table} set ${setSql(kase, write, end)} ${where}`
}

function setSql(
  kase: Case,
  { table, set }: { readonly table: string; readonly set: Readonly<Record<string, string>> },
  end: EndName,
): string {
  return valuesAt(kase, { table, values: set, end })
    .map(([column, value]) => `${name(column)} = ${value}`)
    .join(', ')
}

/** Absent values are null: these tables have no defaults that anybody needs. */
function copiedColumns({ rows }: Extract<Write, { kind: 'copy' }>): string[] {
  return [...new Set(rows.flatMap(({ values }) => Object.keys(values)))]
}

function copySql(kase: Case, write: Extract<Write, { kind: 'copy' }>, end: EndName): string {
  const values = Object.fromEntries(copiedColumns(write).map((column) => [column, 'null']))
  const columns = valuesAt(kase, { table: write.table, values, end }).map(([column]) => column)
  return `copy ${at(kase, write.table)} (${names(columns)}) from stdin`
}

/** The rows of `copy … from stdin`, as a query that `copy … to stdout` writes for it. */
export function copiedRows(
  kase: Case,
  write: Extract<Write, { kind: 'copy' }>,
  end: EndName,
): string {
  const { columns = [] } = kase.tables.find((one) => one.name === write.table) ?? {}
  const wanted = copiedColumns(write)
  const typeOf = (own: string) => {
    const column = columns.find((one) => one.name === own)
    return (end === 'target' && column?.targetType) || column?.type || 'text'
  }
  const rows = write.rows.map((row) => {
    const values = Object.fromEntries(wanted.map((own) => [own, row.values[own] ?? 'null']))
    const literals = valuesAt(kase, { table: write.table, values, end })
    return `select ${literals.map(([, value], i) => `(${value})::${typeOf(wanted[i] ?? '')}`).join(', ')}`
  })
  return `copy (${rows.join(' union all ')}) to stdout`
}

type WriteAll = Extract<Write, { kind: 'update all' | 'delete all' }>

function allSql(kase: Case, { kind, table, whose, set }: WriteAll, end: EndName): string {
  const where = whose === 'a' ? `where mark like 'a/%'` : `where mark ~ '^[abc]/'`
  if (kind === 'delete all') return `delete from ${at(kase, table)} ${where}`
  return `update ${at(kase, table)} set ${setSql(kase, { table, set }, end)} ${where}`
}

function hasNumber({ tables }: Case, { table, values }: Row): boolean {
  const of = tables.find((one) => one.name === table)
  return !!of?.columns.some(({ name: own, fills }) => fills === 'number' && own in values)
}

export function tableOfWrite(write: Write): string {
  return write.kind === 'insert' ? write.row.table : write.table
}
