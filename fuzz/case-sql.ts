/** A case as SQL: what makes the source, what makes the target, a write. */
import type { Case, Column, Constraint, Piece, Row, Table, Write } from './case.ts'
import { border } from './draft.ts'
import { literal, name, names } from './draw.ts'

export type EndName = 'source' | 'target'

export function sqlOf(kase: Case, end: EndName): string {
  const own = (pieces: readonly Piece[]) => pieces.map((piece) => piece[end])
  const rows = kase.rows.filter((row) => isAt(kase, row, end))
  const statements = [
    ...(kase.schema === 'public' ? [] : [`create schema ${name(kase.schema)}`]),
    ...own(kase.prelude),
    ...kase.tables.flatMap((table) => tableSql(kase, table, end)),
    ...rows.map((row) => insertSql(kase, row)),
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

function isAt({ tables }: Case, { table, owner }: Row, end: EndName): boolean {
  if (tables.find((one) => one.name === table)?.shared) return true
  return (owner === 'd') === (end === 'target')
}

function at({ schema }: Case, table: string): string {
  return `${name(schema)}.${name(table)}`
}

function tableSql(kase: Case, table: Table, end: EndName): string[] {
  const { columns, partitioned, key } = table
  const ordered = end === 'target' && table.turned ? columns.toReversed() : columns
  const lines = ordered.map((column) => `  ${columnSql(column, end)}`)
  const unique = `  ${table.keyKind === 'primary' ? 'primary key' : 'unique'} (${names(key)})`
  const isGone = table.gone === end
  const gone = isGone ? ['  "gone" int default 7'] : []
  const all = [...gone, ...lines, ...(key.length > 0 ? [unique] : [])].join(',\n')
  const by = partitioned ? ` partition by ${partitioned.by} (${name(key[0] ?? '')})` : ''
  const parts = partitioned?.parts ?? []
  const drop = `alter table ${at(kase, table.name)} drop column "gone"`
  return [
    `create table ${at(kase, table.name)} (\n${all}\n)${by}`,
    ...(isGone ? [drop] : []),
    ...parts.map((part, i) => {
      const own = at(kase, `${table.name} ${part}`)
      const of = `partition of ${at(kase, table.name)} for values`
      const range = i === 0 ? `from (minvalue) to (${border})` : `from (${border}) to (maxvalue)`
      const hash = `with (modulus ${parts.length}, remainder ${i})`
      return `create table ${own} ${of} ${partitioned?.by === 'range' ? range : hash}`
    }),
  ]
}

function columnSql(column: Column, end: EndName): string {
  const type = end === 'target' ? (column.targetType ?? column.type) : column.type
  const notNull = column.notNull ? ' not null' : ''
  return `${name(column.name)} ${type}${notNull}${column.rest ? ` ${column.rest}` : ''}`
}

function constraintSql(kase: Case, { name: own, table, sql, part }: Constraint): string {
  const relation = at(kase, part ? `${table} ${part}` : table)
  return `alter table ${relation} add constraint ${name(own)} ${sql}`
}

export function insertSql(kase: Case, { table, values }: Row): string {
  const columns = Object.keys(values)
  const literals = Object.values(values).map((value) => inOwnSchema(kase, value))
  return `insert into ${at(kase, table)} (${names(columns)}) overriding system value
  values (${literals.join(', ')})`
}

function inOwnSchema({ schema }: Case, value: string): string {
  return value.replaceAll('%s.', `${name(schema)}.`)
}

/** Without `overriding system value`: as the application writes. */
export function writeSql(kase: Case, write: Write): string {
  if (write.kind === 'insert') {
    const sql = insertSql(kase, write.row)
    return hasNumber(kase, write.row) ? sql : sql.replace(' overriding system value', '')
  }
  if ('whose' in write) return allSql(kase, write)
  const where = `where rtrim(mark, '!~') = ${literal(write.mark)}`
  const table = at(kase, write.table)
  if (write.kind === 'delete') return `delete from ${table} ${where}`
  return `update ${table} set ${setSql(kase, write.set)} ${where}`
}

function setSql(kase: Case, set: Readonly<Record<string, string>>): string {
  return Object.entries(set)
    .map(([column, value]) => `${name(column)} = ${inOwnSchema(kase, value)}`)
    .join(', ')
}

type WriteAll = Extract<Write, { kind: 'update all' | 'delete all' }>

function allSql(kase: Case, { kind, table, whose, set }: WriteAll): string {
  const where = whose === 'a' ? `where mark like 'a/%'` : `where mark ~ '^[abc]/'`
  if (kind === 'delete all') return `delete from ${at(kase, table)} ${where}`
  return `update ${at(kase, table)} set ${setSql(kase, set)} ${where}`
}

function hasNumber({ tables }: Case, { table, values }: Row): boolean {
  const of = tables.find((one) => one.name === table)
  return !!of?.columns.some(({ name: own, fills }) => fills === 'number' && own in values)
}

export function tableOfWrite(write: Write): string {
  return write.kind === 'insert' ? write.row.table : write.table
}
