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
import { alters, type PostgresRule, type Site } from '../postgres/site.ts'
import type { Names, RuleText } from '../rule.ts'
import { concurrentIndex, notNullSteps, timeout } from './common-steps.ts'

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

const validate = {
  does: 'Let PostgreSQL read the existing rows, in a transaction of its own. Reads and writes go on.',
  sql: 'ALTER TABLE {table} VALIDATE CONSTRAINT {constraint};',
}

/** A rule for unique constraints and primary keys. */
function keyRule(type: ConstrType, sqlName: string, text: Omit<RuleText, 'steps'>): PostgresRule {
  return {
    ...text,
    steps: [
      ...(type === 'CONSTR_PRIMARY' ? notNullSteps : []),
      concurrentIndex('UNIQUE '),
      {
        does: 'Make the constraint from the index. No row is read.',
        sql:
          `${timeout}\nALTER TABLE {table} ADD CONSTRAINT {constraint}\n` +
          `  ${sqlName} USING INDEX {index};`,
      },
    ],
    find(site) {
      const added = newConstraint(site, type)
      if (!added || added.constraint.indexname !== undefined) return null
      return namesOf(site, added, type === 'CONSTR_PRIMARY' ? 'pkey' : 'key')
    },
  }
}

export const constraintRules: readonly PostgresRule[] = [
  {
    code: 'foreign-key-validated',
    level: 'error',
    title: 'foreign key {constraint} of {table} is added without NOT VALID',
    lock: 'SHARE ROW EXCLUSIVE',
    cost: 'scan',
    breaks:
      'Writes to both tables wait until every row is looked up in the referenced table. Writes of rows ' +
      'without a parent fail from then on.',
    example:
      'ALTER TABLE orders ADD CONSTRAINT orders_customer_fk\n' +
      '  FOREIGN KEY (customer_id) REFERENCES customers (id);',
    steps: [
      {
        does: 'Add it for new and changed rows. Both tables are locked for an instant.',
        sql:
          `${timeout}\nALTER TABLE {table} ADD CONSTRAINT {constraint}\n` +
          '  FOREIGN KEY ({=columns}) REFERENCES {referenced}{=keys} NOT VALID;',
      },
      validate,
    ],
    find(site) {
      const added = newConstraint(site, 'CONSTR_FOREIGN')
      if (!added || added.constraint.skip_validation) return null
      // A new column without a default is NULL in all rows: PostgreSQL looks none of them up.
      const column = columnDef(site.command?.def)
      if (column && !constraintOf(column, 'CONSTR_DEFAULT')) return null
      return namesOf(site, added, 'fkey')
    },
  },
  {
    code: 'check-validated',
    level: 'error',
    title: 'CHECK {constraint} of {table} is added without NOT VALID',
    lock: 'ACCESS EXCLUSIVE',
    cost: 'scan',
    breaks:
      'All queries on the table wait until every row is read. Writes of rows that break the CHECK fail ' +
      'from then on.',
    example: 'ALTER TABLE orders ADD CONSTRAINT orders_price_check CHECK (price >= 0);',
    steps: [
      {
        does: 'Add it for new and changed rows. Existing rows are not read.',
        sql:
          `${timeout}\nALTER TABLE {table} ADD CONSTRAINT {constraint}\n` +
          '  CHECK ({=expression}) NOT VALID;',
      },
      validate,
    ],
    find(site) {
      const added = newConstraint(site, 'CONSTR_CHECK')
      if (!added || added.constraint.skip_validation) return null
      const expression = parenthesized(site.statement.text, added.constraint)
      return { ...namesOf(site, added, 'check'), expression }
    },
  },
  keyRule('CONSTR_UNIQUE', 'UNIQUE', {
    code: 'unique-builds-index',
    level: 'error',
    title: 'unique constraint {constraint} of {table} builds its index',
    lock: 'ACCESS EXCLUSIVE',
    cost: 'build',
    breaks:
      'All queries on the table wait until the index is built. The statement fails after that time if ' +
      'two rows are equal.',
    example: 'ALTER TABLE orders ADD CONSTRAINT orders_number_key UNIQUE (number);',
  }),
  keyRule('CONSTR_PRIMARY', 'PRIMARY KEY', {
    code: 'primary-key-builds-index',
    level: 'error',
    title: 'primary key {constraint} of {table} builds its index',
    lock: 'ACCESS EXCLUSIVE',
    cost: 'build',
    breaks:
      'All queries on the table wait until the index is built, and until every row is read if a column ' +
      'is not NOT NULL yet (see column-not-null).',
    example: 'ALTER TABLE lines ADD CONSTRAINT lines_pkey PRIMARY KEY (id);',
  }),
  {
    code: 'primary-key-from-index',
    level: 'warning',
    title: 'primary key {constraint} of {table} makes the columns of {index} NOT NULL',
    lock: 'ACCESS EXCLUSIVE',
    cost: 'scan',
    breaks:
      'If a column is not NOT NULL yet, all queries on the table wait until every row is read, and the ' +
      'statement fails at the first NULL. Then INSERTs of the running application without the column fail.',
    safeFrom: 'PostgreSQL 12, if each column is NOT NULL before, or has a validated CHECK',
    example: 'ALTER TABLE lines ADD CONSTRAINT lines_pkey PRIMARY KEY USING INDEX lines_order;',
    steps: [
      ...notNullSteps,
      {
        does: 'Make the primary key. No row is read.',
        sql:
          `${timeout}\n-- rehome:allow primary-key-from-index its columns are NOT NULL\n` +
          'ALTER TABLE {table} ADD CONSTRAINT {constraint} PRIMARY KEY USING INDEX {index};',
      },
    ],
    find(site) {
      const added = newConstraint(site, 'CONSTR_PRIMARY')
      const index = added?.constraint.indexname
      if (!added || index === undefined) return null
      const columns = site.scene.indexColumns.get(index)
      const column = columns?.find((name) => !site.scene.isCheckedNotNull(site.table, name))
      if (columns && column === undefined) return null
      return { ...namesOf(site, added, 'pkey'), index, column: column ?? 'id' }
    },
  },
  {
    code: 'exclusion-constraint',
    level: 'error',
    title: 'exclusion constraint {constraint} is added to {table}',
    lock: 'ACCESS EXCLUSIVE',
    cost: 'build',
    breaks:
      'All queries on the table wait until the index is built and every row is compared. PostgreSQL has ' +
      'no way to add it beside running writes.',
    example:
      'ALTER TABLE orders ADD CONSTRAINT orders_period_excl EXCLUDE USING gist (period WITH &&);',
    steps: [
      { does: 'Create a new table with the constraint, and write to both tables.' },
      { does: 'Copy the rows in batches, deploy an application that reads the new table.' },
    ],
    find(site) {
      const added = newConstraint(site, 'CONSTR_EXCLUSION')
      return added && namesOf(site, added, 'excl')
    },
  },
  {
    code: 'not-null-validated',
    level: 'error',
    title: 'NOT NULL constraint on {column} of {table} is added without NOT VALID',
    lock: 'ACCESS EXCLUSIVE',
    cost: 'scan',
    breaks: 'All queries on the table wait until every row is read.',
    safeFrom: 'PostgreSQL 18, which has the statement, with NOT VALID and VALIDATE CONSTRAINT',
    example: 'ALTER TABLE orders ADD CONSTRAINT orders_note_filled NOT NULL note;',
    exampleVersion: '18',
    steps: [
      {
        does: 'Add it for new and changed rows.',
        sql: `${timeout}\nALTER TABLE {table} ADD CONSTRAINT {constraint} NOT NULL {column} NOT VALID;`,
      },
      validate,
    ],
    find(site) {
      const constraint = constraintDef(alters(site, 'AT_AddConstraint')?.def)
      if (constraint?.contype !== 'CONSTR_NOTNULL' || constraint.skip_validation) return null
      const added = { constraint, columns: strings(constraint.keys) }
      if (site.scene.isCheckedNotNull(site.table, added.columns[0] ?? '')) return null
      return namesOf(site, added, 'not_null')
    },
  },
  {
    code: 'validated-at-once',
    level: 'error',
    title: 'constraint {constraint} of {table} is validated in the transaction that added it',
    lock: 'SHARE UPDATE EXCLUSIVE',
    cost: 'scan',
    breaks:
      'The strong lock of ADD CONSTRAINT is held until the transaction ends, so writes wait while all ' +
      'rows are read, as if NOT VALID were not there.',
    example:
      'BEGIN;\nALTER TABLE orders ADD CONSTRAINT price_known CHECK (price > 0) NOT VALID;\n' +
      'ALTER TABLE orders VALIDATE CONSTRAINT price_known;\nCOMMIT;',
    steps: [{ ...validate, does: 'Commit first. Then validate in another migration.' }],
    find(site) {
      const constraint = alters(site, 'AT_ValidateConstraint')?.name ?? ''
      const isAdded = site.scene.transaction?.unvalidated.has(`${site.table}.${constraint}`)
      return isAdded ? { constraint } : null
    },
  },
  {
    code: 'foreign-key-dropped',
    level: 'warning',
    title: 'constraint {constraint} of {table} is dropped; a foreign key locks two tables',
    lock: 'ACCESS EXCLUSIVE',
    cost: 'instant',
    breaks:
      'If it is a foreign key, all queries on both tables wait for both locks: one long query on ' +
      'either of them holds up the other.',
    example: 'ALTER TABLE orders DROP CONSTRAINT orders_customer_id_fkey;',
    steps: [
      {
        does: 'Drop it in a transaction of its own with a short timeout, and retry.',
        sql:
          `${timeout}\n-- rehome:allow foreign-key-dropped lock_timeout is short, and the migration is retried\n` +
          'ALTER TABLE {table} DROP CONSTRAINT {constraint};',
      },
    ],
    find(site) {
      const command = alters(site, 'AT_DropConstraint')
      if (!command) return null
      const constraint = command.name ?? ''
      const isCheck = site.scene.checks.get(site.table)?.has(constraint)
      const isOwn = /_(check|not_null|is_set|key|pkey|excl)$/.test(constraint)
      return isCheck || isOwn ? null : { constraint }
    },
  },
]

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
