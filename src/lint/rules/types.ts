/** Rules for enum types, domains, sequences and keys that are too small. */
import type { ColumnDef } from 'libpg-query'
import {
  columnDef,
  constraintDef,
  constraintOf,
  nodesIn,
  objectName,
  strings,
  tableKey,
  tableOf,
  textOf,
  typeOf,
} from '../postgres/nodes.ts'
import { alters, type PostgresRule } from '../postgres/site.ts'
import { timeout } from './common-steps.ts'

export const typeRules: readonly PostgresRule[] = [
  {
    code: 'enum-value-used',
    level: 'error',
    title: 'enum value {value} is used in the transaction that adds it',
    lock: null,
    cost: 'instant',
    breaks:
      'PostgreSQL refuses to use a new value before the transaction that added it has committed. ' +
      'Before PostgreSQL 12, ALTER TYPE … ADD VALUE is refused in every transaction.',
    example:
      "BEGIN;\nALTER TYPE order_state ADD VALUE 'returned';\n" +
      "UPDATE orders SET state = 'returned' WHERE id = 1;\nCOMMIT;",
    steps: [
      {
        does: 'Add the value in a migration of its own, before the value that it precedes in order.',
        sql: "ALTER TYPE {=type} ADD VALUE IF NOT EXISTS '{=value}';",
      },
      { does: 'Use it in a later migration, and in a later release of the application.' },
    ],
    find({ node, scene, first }) {
      const { transaction, options } = scene
      if (!transaction || !first) return null
      if ('AlterEnumStmt' in node) {
        const { newVal: value = '', oldVal, typeName } = node.AlterEnumStmt
        const isRefused = options.version < 12 && oldVal === undefined
        return isRefused ? { value, type: tableKey(strings(typeName)) } : null
      }
      const values = [...nodesIn(node)].map(textOf).filter((text) => text !== undefined)
      const value = values.find((text) => transaction.enumValues.has(text))
      return value === undefined ? null : { value, type: transaction.enumValues.get(value) ?? '' }
    },
  },
  {
    code: 'enum-value-renamed',
    level: 'error',
    title: 'enum value {value} is renamed to {renamed}',
    lock: null,
    cost: 'instant',
    breaks: 'The running application fails as soon as it writes or compares the old value.',
    example: "ALTER TYPE order_state RENAME VALUE 'sent' TO 'shipped';",
    steps: [
      {
        does: 'Add the new value.',
        sql: "ALTER TYPE {=type} ADD VALUE IF NOT EXISTS '{=renamed}';",
      },
      { does: 'Deploy an application that reads both values and writes the new one.' },
      { does: 'Change existing rows in batches. The old value stays in the type, unused.' },
    ],
    find({ node }) {
      if (!('AlterEnumStmt' in node) || node.AlterEnumStmt.oldVal === undefined) return null
      const { oldVal, newVal = '', typeName } = node.AlterEnumStmt
      return { value: oldVal, renamed: newVal, type: tableKey(strings(typeName)) }
    },
  },
  {
    code: 'domain-constraint',
    level: 'error',
    title: 'domain {domain} gets a constraint, which reads all tables that use it',
    lock: 'SHARE',
    cost: 'scan',
    breaks:
      'Writes to every table with a column of the domain wait until all of its rows are read, one ' +
      'table after the other.',
    example: 'ALTER DOMAIN amount ADD CONSTRAINT amount_max CHECK (VALUE < 1000000);',
    steps: [
      {
        does: 'Add it for new and changed values.',
        sql: `${timeout}\nALTER DOMAIN {=domain} ADD CONSTRAINT {constraint} CHECK ({=expression}) NOT VALID;`,
      },
      {
        does:
          'Let PostgreSQL read the existing rows. Writes to these tables wait, so choose a quiet hour, or ' +
          'replace the domain by a CHECK of each table, which is validated beside writes.',
        sql:
          `${timeout}\n-- rehome:allow domain-constraint in the quiet hour\n` +
          'ALTER DOMAIN {=domain} VALIDATE CONSTRAINT {constraint};',
      },
    ],
    find({ node, statement }) {
      if (!('AlterDomainStmt' in node)) return null
      const { typeName, def, subtype, name } = node.AlterDomainStmt
      const constraint = def && 'Constraint' in def ? def.Constraint : undefined
      // C adds a constraint, V validates one, O sets NOT NULL.
      if (subtype !== 'V' && subtype !== 'O' && subtype !== 'C') return null
      if (constraint?.skip_validation) return null
      const expression =
        /\bcheck\s*\(([\s\S]*?)\)\s*;?$/i.exec(statement.text)?.[1] ?? 'VALUE IS NOT NULL'
      const domain = tableKey(strings(typeName))
      return { domain, constraint: constraint?.conname ?? name ?? `${domain}_check`, expression }
    },
  },
  {
    code: 'sequence-type-changed',
    level: 'warning',
    title: 'sequence {sequence} becomes bigint; its column may still be an integer',
    lock: null,
    cost: 'instant',
    breaks:
      'The sequence gives numbers that the column cannot hold: every INSERT fails once it has passed ' +
      '2,147,483,647. The change of the column rewrites the table (see column-type-rewrites).',
    example: 'ALTER SEQUENCE orders_id_seq AS bigint;',
    steps: [
      { does: 'Change the column first, by the steps of column-type-rewrites.' },
      {
        does: 'Then change the sequence.',
        sql:
          `${timeout}\n-- rehome:allow sequence-type-changed the column is a bigint\n` +
          'ALTER SEQUENCE {=sequence} AS bigint;',
      },
    ],
    find({ node }) {
      if (!('AlterSeqStmt' in node)) return null
      const { options = [], sequence } = node.AlterSeqStmt
      const type = options
        .flatMap((one) => ('DefElem' in one ? [one.DefElem] : []))
        .find(({ defname }) => defname === 'as')?.arg
      const isBig = type && 'TypeName' in type && typeOf(type.TypeName).name === 'int8'
      return isBig ? { sequence: tableOf(sequence) } : null
    },
  },
  {
    code: 'key-integer',
    level: 'warning',
    title: 'primary key {column} of {object} has 4 bytes or less',
    lock: null,
    cost: 'instant',
    breaks:
      'INSERTs fail after 2,147,483,647 numbers, gaps included. To enlarge a key later rewrites its ' +
      'table and all that refer to it.',
    example: 'CREATE TABLE invoices (id serial PRIMARY KEY);',
    steps: [
      {
        does: 'Use 8 bytes from the beginning.',
        sql: 'CREATE TABLE {object} ({column} bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY);',
      },
    ],
    find({ node }) {
      if (!('CreateStmt' in node)) return null
      const { tableElts = [], relation } = node.CreateStmt
      const [name, ...others] = tableElts
        .map(constraintDef)
        .flatMap((one) => (one?.contype === 'CONSTR_PRIMARY' ? strings(one.keys) : []))
      const key = tableElts.map(columnDef).find((column) => {
        const isAlone = column?.colname === name && others.length === 0
        return column && isSmall(column) && (isAlone || constraintOf(column, 'CONSTR_PRIMARY'))
      })
      return key ? { object: tableOf(relation), column: key.colname ?? '' } : null
    },
  },
  {
    code: 'column-identity',
    level: 'warning',
    title: 'column {column} of {table} becomes an identity',
    lock: 'ACCESS EXCLUSIVE',
    cost: 'instant',
    breaks:
      'Its new sequence begins at 1, so INSERTs fail with duplicate keys until it is set past the ' +
      'largest number. With GENERATED ALWAYS, INSERTs of the running application that name the ' +
      'column fail.',
    example: 'ALTER TABLE lines ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY;',
    steps: [
      {
        does: 'Find the largest number.',
        sql: 'SELECT max({column}) FROM {table};',
      },
      {
        does: 'Begin well above it, and let writers name the column: BY DEFAULT, not ALWAYS.',
        sql:
          `${timeout}\n-- rehome:allow column-identity it begins above the largest number\n` +
          'ALTER TABLE {table} ALTER COLUMN {column}\n' +
          '  ADD GENERATED BY DEFAULT AS IDENTITY (START WITH 1000000);',
      },
    ],
    find(site) {
      const command = alters(site, 'AT_AddIdentity')
      return command ? { column: command.name ?? '' } : null
    },
  },
  {
    code: 'type-dropped',
    level: 'error',
    title: 'type {object} is dropped',
    lock: null,
    cost: 'instant',
    breaks: 'Casts and prepared statements of the running application that name the type fail.',
    example: 'DROP TYPE order_kind;',
    steps: [
      { does: 'Deploy an application that does not name the type.' },
      {
        does: 'Drop it.',
        sql: '-- rehome:allow type-dropped no release that is running uses it\nDROP TYPE {object};',
      },
    ],
    find({ node }) {
      if (!('DropStmt' in node)) return null
      const { removeType, objects = [] } = node.DropStmt
      const isType = removeType === 'OBJECT_TYPE' || removeType === 'OBJECT_DOMAIN'
      return isType ? { object: objectName(objects[0]) } : null
    },
  },
]

const smallTypes = /^(int2|int4|serial|serial4|smallserial|serial2)$/

function isSmall(column: ColumnDef): boolean {
  return smallTypes.test(typeOf(column.typeName).name)
}
