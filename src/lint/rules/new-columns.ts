/** Rules for ALTER TABLE … ADD COLUMN. */
import type { ColumnDef } from 'libpg-query'
import { columnDef, constraintOf, strings, tableKey, typeOf, typeText } from '../postgres/nodes.ts'
import { alters, type PostgresRules, type Site } from '../postgres/site.ts'
import { volatileFunctions } from '../postgres/volatile.ts'
import type { Names } from '../rule.ts'

/** The new column of an existing table. */
function newColumn(site: Site): ColumnDef | undefined {
  return columnDef(alters(site, 'AT_AddColumn')?.def)
}

function namesOf(column: ColumnDef): Names {
  return { column: column.colname ?? '', type: typeText(typeOf(column.typeName)) }
}

const serials: Readonly<Record<string, string>> = {
  serial: 'integer',
  serial4: 'integer',
  bigserial: 'bigint',
  serial8: 'bigint',
  smallserial: 'smallint',
  serial2: 'smallint',
}

export const newColumnRules: PostgresRules = {
  'column-default-rewrites'(site) {
    const column = newColumn(site)
    const expression = column && constraintOf(column, 'CONSTR_DEFAULT')?.raw_expr
    if (!expression) return null
    const { version } = site.scene.options
    if (version >= 11 && volatileFunctions(expression).length === 0) return null
    return { ...namesOf(column), default: defaultText(site, column) }
  },
  'column-serial'(site) {
    const column = newColumn(site)
    if (!column) return null
    const { name } = typeOf(column.typeName)
    const isIdentity = constraintOf(column, 'CONSTR_IDENTITY') !== undefined
    if (!isIdentity && serials[name] === undefined) return null
    const table = site.table.slice(site.table.lastIndexOf('.') + 1)
    const names = namesOf(column)
    const type = serials[name] ?? names.type ?? 'bigint'
    return { ...names, type, sequence: `${table}_${column.colname ?? ''}_seq` }
  },
  'column-generated-stored'(site) {
    const changed = alters(site, 'AT_SetExpression')
    if (changed) return { column: changed.name ?? '', type: 'integer' }
    const column = newColumn(site)
    const generated = column && constraintOf(column, 'CONSTR_GENERATED')
    return column && generated?.generated_kind === 's' ? namesOf(column) : null
  },
  'column-not-null-without-default'(site) {
    const column = newColumn(site)
    const filled = ['CONSTR_DEFAULT', 'CONSTR_IDENTITY', 'CONSTR_GENERATED'] as const
    if (!column || !needed.some((type) => constraintOf(column, type))) return null
    const isSerial = serials[typeOf(column.typeName).name] !== undefined
    const isFilled = filled.some((type) => constraintOf(column, type)) && !hasNullDefault(column)
    return isSerial || isFilled ? null : namesOf(column)
  },
  'column-domain'(site) {
    const column = newColumn(site)
    if (!column) return null
    const domain = tableKey(strings(column.typeName?.names))
    return site.scene.constrainedDomains.has(domain) ? namesOf(column) : null
  },
  'column-json'(site) {
    const column = newColumn(site)
    return column && typeOf(column.typeName).name === 'json' ? namesOf(column) : null
  },
}

const needed = ['CONSTR_NOTNULL', 'CONSTR_PRIMARY'] as const

function hasNullDefault(column: ColumnDef): boolean {
  const value = constraintOf(column, 'CONSTR_DEFAULT')?.raw_expr
  return value !== undefined && 'A_Const' in value && value.A_Const.isnull === true
}

/** Text of the default as the statement has it. */
function defaultText({ statement }: Site, column: ColumnDef): string {
  const name = column.colname ?? ''
  const match = new RegExp(`${name}[\\s\\S]*?\\bdefault\\s+([\\s\\S]*)`, 'i').exec(statement.text)
  return leadingExpression(match?.[1] ?? '')
}

/** Ends at a comma outside of parentheses, and at the next constraint. */
function leadingExpression(text: string): string {
  let depth = 0
  for (const { 0: word, index } of text.matchAll(/'(?:[^']|'')*'|[(),;]|\b[a-z]+\b/gi)) {
    if (word === '(') depth += 1
    else if (word === ')' && depth > 0) depth -= 1
    else if (
      depth === 0 &&
      /^([,;)]|not|null|check|unique|references|constraint|primary)$/i.test(word)
    )
      return text.slice(0, index).trim()
  }
  return text.trim()
}
