/** Rules for constraints, in ADD CONSTRAINT and inline in ADD COLUMN. */
import type { Constraint, ConstrType, Node } from 'libpg-query'
import {
  columnDef,
  columnsNotNullBy,
  constraintDef,
  constraintOf,
  constraintsOf,
  strings,
  tableOf,
} from '../postgres/nodes.ts'
import { alters, type PostgresRules, type Site } from '../postgres/site.ts'
import type { Names } from '../rule.ts'

interface NewConstraint {
  readonly constraint: Constraint
  readonly columns: readonly string[]
}

/** Constraints of this kind that the operation adds to an existing table, inline ones too. */
function newConstraint(site: Site, type: ConstrType): NewConstraint | null {
  const command = alters(site, 'AT_AddColumn', 'AT_AddConstraint')
  const own = constraintDef(command?.def)
  if (own?.contype === type) return { constraint: own, columns: columnsOf(own) }
  const column = columnDef(command?.def)
  const constraint = column && constraintsOf(column).find(({ contype }) => contype === type)
  return column && constraint ? { constraint, columns: [column.colname ?? ''] } : null
}

function columnsOf({ keys, fk_attrs, raw_expr }: Constraint): string[] {
  const named = strings(keys ?? fk_attrs)
  return named.length > 0 ? named : [...new Set([...columnRefs(raw_expr)])]
}

function columnRefs(expression: Node | undefined): string[] {
  const matches = JSON.stringify(expression ?? null).matchAll(
    /"ColumnRef":\{"fields":\[\{"String":\{"sval":"((?:[^"\\]|\\.)*)"/g,
  )
  return [...matches].map(([, name = '']) => name)
}

function namesOf({ table }: Site, { constraint, columns }: NewConstraint, suffix: string): Names {
  const own = table.slice(table.lastIndexOf('.') + 1)
  const name = constraint.conname ?? [own, ...columns, suffix].join('_')
  const referenced = constraint.pktable ? tableOf(constraint.pktable) : ''
  const keys = strings(constraint.pk_attrs)
  return {
    constraint: name,
    index: name,
    column: columns[0] ?? '',
    columns: columns.join(', '),
    referenced,
    keys: keys.length > 0 ? ` (${keys.join(', ')})` : '',
  }
}

/** A unique constraint or primary key that builds its index. */
function builtKey(site: Site, type: ConstrType, suffix: string): Names | null {
  const added = newConstraint(site, type)
  if (!added || added.constraint.indexname !== undefined) return null
  return namesOf(site, added, suffix)
}

export const constraintRules: PostgresRules = {
  'foreign-key-validated'(site) {
    const added = newConstraint(site, 'CONSTR_FOREIGN')
    if (!added || added.constraint.skip_validation) return null
    // A new column without a default is NULL in all rows: PostgreSQL looks none of them up.
    const column = columnDef(site.command?.def)
    if (column && !constraintOf(column, 'CONSTR_DEFAULT')) return null
    return namesOf(site, added, 'fkey')
  },
  'check-validated'(site) {
    const added = newConstraint(site, 'CONSTR_CHECK')
    if (!added || added.constraint.skip_validation) return null
    const expression = parenthesized(site.statement.text, added.constraint)
    return { ...namesOf(site, added, 'check'), expression }
  },
  'unique-builds-index': (site) => builtKey(site, 'CONSTR_UNIQUE', 'key'),
  'primary-key-builds-index': (site) => builtKey(site, 'CONSTR_PRIMARY', 'pkey'),
  'primary-key-from-index'(site) {
    const added = newConstraint(site, 'CONSTR_PRIMARY')
    const index = added?.constraint.indexname
    if (!added || index === undefined) return null
    const columns = site.scene.indexColumns.get(index)
    const column = columns?.find((name) => !site.scene.isCheckedNotNull(site.table, name))
    if (columns && column === undefined) return null
    return { ...namesOf(site, added, 'pkey'), index, column: column ?? 'id' }
  },
  'exclusion-constraint'(site) {
    const added = newConstraint(site, 'CONSTR_EXCLUSION')
    return added && namesOf(site, added, 'excl')
  },
  'not-null-validated'(site) {
    const constraint = constraintDef(alters(site, 'AT_AddConstraint')?.def)
    if (constraint?.contype !== 'CONSTR_NOTNULL' || constraint.skip_validation) return null
    const added = { constraint, columns: strings(constraint.keys) }
    if (site.scene.isCheckedNotNull(site.table, added.columns[0] ?? '')) return null
    return namesOf(site, added, 'not_null')
  },
  'validated-at-once'(site) {
    const constraint = alters(site, 'AT_ValidateConstraint')?.name ?? ''
    const isAdded = site.scene.transaction?.unvalidated.has(`${site.table}.${constraint}`)
    return isAdded ? { constraint } : null
  },
  'foreign-key-dropped'(site) {
    const command = alters(site, 'AT_DropConstraint')
    if (!command) return null
    const constraint = command.name ?? ''
    const isCheck = site.scene.checks.get(site.table)?.has(constraint)
    const isOwn = /_(check|not_null|is_set|key|pkey|excl)$/.test(constraint)
    return isCheck || isOwn ? null : { constraint }
  },
}

/** Expression of a CHECK as the statement has it, else its columns. */
function parenthesized(text: string, { raw_expr }: Constraint): string {
  const start = /\bcheck\s*\(/i.exec(text)
  if (!start) return columnsNotNullBy(raw_expr).join(' AND ')
  const from = start.index + start[0].length
  let depth = 1
  for (const { 0: word, index } of text.slice(from).matchAll(/'(?:[^']|'')*'|[()]/g)) {
    if (word === '(') depth += 1
    else if (word === ')') depth -= 1
    if (depth === 0) return text.slice(from, from + index).trim()
  }
  return text.slice(from).trim()
}
