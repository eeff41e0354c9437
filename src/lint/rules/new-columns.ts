/** Rules for ALTER TABLE … ADD COLUMN. */
import type { ColumnDef } from 'libpg-query'
import { columnDef, constraintOf, strings, tableKey, typeOf, typeText } from '../postgres/nodes.ts'
import { alters, type PostgresRule, type Site } from '../postgres/site.ts'
import { volatileFunctions } from '../postgres/volatile.ts'
import type { Names, Step } from '../rule.ts'
import { backfill, notNullSteps, timeout } from './common-steps.ts'

/** The new column of an existing table. */
function newColumn(site: Site): ColumnDef | undefined {
  return columnDef(alters(site, 'AT_AddColumn')?.def)
}

function namesOf(column: ColumnDef): Names {
  return { column: column.colname ?? '', type: typeText(typeOf(column.typeName)) }
}

const addPlain: Step = {
  does: 'Add the column without a default.',
  sql: `${timeout}\nALTER TABLE {table} ADD COLUMN {column} {=type};`,
}

const serials: Readonly<Record<string, string>> = {
  serial: 'integer',
  serial4: 'integer',
  bigserial: 'bigint',
  serial8: 'bigint',
  smallserial: 'smallint',
  serial2: 'smallint',
}

export const newColumnRules: readonly PostgresRule[] = [
  {
    code: 'column-default-rewrites',
    level: 'error',
    title: 'column {column} is added to {table} with a default that rewrites the table',
    lock: 'ACCESS EXCLUSIVE',
    cost: 'rewrite',
    breaks:
      'All queries on the table wait until every row is written again. A volatile default, such as ' +
      'gen_random_uuid(), has a value of its own in each row, so PostgreSQL cannot store it once. ' +
      'Functions of your own count as volatile unless they are declared otherwise.',
    safeFrom:
      'PostgreSQL 11 for constants and stable functions such as now(); never for volatile ones',
    example: 'ALTER TABLE orders ADD COLUMN public_id uuid DEFAULT gen_random_uuid();',
    steps: [
      addPlain,
      {
        does: 'Set the default. Only new rows get it.',
        sql: `${timeout}\nALTER TABLE {table} ALTER COLUMN {column} SET DEFAULT {=default};`,
      },
      backfill('{column} = {=default}', '{column} IS NULL'),
    ],
    find(site) {
      const column = newColumn(site)
      const expression = column && constraintOf(column, 'CONSTR_DEFAULT')?.raw_expr
      if (!expression) return null
      const { version } = site.scene.options
      if (version >= 11 && volatileFunctions(expression).length === 0) return null
      return { ...namesOf(column), default: defaultText(site, column) }
    },
  },
  {
    code: 'column-serial',
    level: 'error',
    title: 'column {column} is added to {table} with a sequence, which rewrites the table',
    lock: 'ACCESS EXCLUSIVE',
    cost: 'rewrite',
    breaks:
      'serial, bigserial and IDENTITY give every existing row a number of its own. All queries on ' +
      'the table wait until every row is written again.',
    example: 'ALTER TABLE orders ADD COLUMN counter bigserial;',
    steps: [
      addPlain,
      {
        does: 'Make the sequence, and let new rows take their number from it.',
        sql:
          `${timeout}\nCREATE SEQUENCE {table}_{column}_seq AS {=type} OWNED BY {table}.{column};\n` +
          `ALTER TABLE {table} ALTER COLUMN {column} SET DEFAULT nextval('{=sequence}');`,
      },
      backfill(`{column} = nextval('{=sequence}')`, '{column} IS NULL'),
      ...notNullSteps,
    ],
    find(site) {
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
  },
  {
    code: 'column-generated-stored',
    level: 'error',
    title: 'values of generated column {column} of {table} are stored, which rewrites the table',
    lock: 'ACCESS EXCLUSIVE',
    cost: 'rewrite',
    breaks: 'All queries on the table wait until the value of every row is computed and written.',
    safeFrom:
      'PostgreSQL 18 with VIRTUAL instead of STORED: values are computed when they are read',
    example:
      'ALTER TABLE orders ADD COLUMN total integer GENERATED ALWAYS AS (price * amount) STORED;',
    steps: [
      addPlain,
      {
        does: 'Let a trigger compute the value of new and changed rows.',
        sql:
          'CREATE FUNCTION set_{table}_{column}() RETURNS trigger LANGUAGE plpgsql AS $$\n' +
          'BEGIN\n  NEW.{column} := 0; -- your expression, of NEW\n  RETURN NEW;\nEND $$;\n' +
          `${timeout}\n-- rehome:allow trigger-changed the function is small and calls nothing else\n` +
          'CREATE TRIGGER set_{column} BEFORE INSERT OR UPDATE ON {table}\n' +
          '  FOR EACH ROW EXECUTE FUNCTION set_{table}_{column}();',
      },
      backfill('{column} = {column}', '{column} IS NULL'),
    ],
    find(site) {
      const changed = alters(site, 'AT_SetExpression')
      if (changed) return { column: changed.name ?? '', type: 'integer' }
      const column = newColumn(site)
      const generated = column && constraintOf(column, 'CONSTR_GENERATED')
      return column && generated?.generated_kind === 's' ? namesOf(column) : null
    },
  },
  {
    code: 'column-not-null-without-default',
    level: 'error',
    title: 'column {column} of {table} is NOT NULL and has no default',
    lock: 'ACCESS EXCLUSIVE',
    cost: 'scan',
    breaks:
      'The statement fails on a table with rows. On an empty table it succeeds, and then every ' +
      'INSERT of the running application fails, because it does not name the new column.',
    safeFrom: 'PostgreSQL 11 with a constant default in the same statement',
    example: 'ALTER TABLE orders ADD COLUMN currency text NOT NULL;',
    steps: [
      { ...addPlain, does: 'Add the column without NOT NULL.' },
      { does: 'Deploy an application that writes {column} in every new row.' },
      backfill("{column} = '…'", '{column} IS NULL'),
      ...notNullSteps,
    ],
    find(site) {
      const column = newColumn(site)
      const filled = ['CONSTR_DEFAULT', 'CONSTR_IDENTITY', 'CONSTR_GENERATED'] as const
      if (!column || !needed.some((type) => constraintOf(column, type))) return null
      const isSerial = serials[typeOf(column.typeName).name] !== undefined
      const isFilled = filled.some((type) => constraintOf(column, type)) && !hasNullDefault(column)
      return isSerial || isFilled ? null : namesOf(column)
    },
  },
  {
    code: 'column-domain',
    level: 'error',
    title: 'column {column} of {table} has a domain with a constraint, which rewrites the table',
    lock: 'ACCESS EXCLUSIVE',
    cost: 'rewrite',
    breaks:
      'PostgreSQL evaluates the constraints of the domain for every row, and writes every row again, ' +
      'even if the default is a constant.',
    example:
      'CREATE DOMAIN positive AS integer CHECK (VALUE > 0);\n' +
      'ALTER TABLE orders ADD COLUMN pieces positive;',
    steps: [
      {
        does: 'Add the column with the base type.',
        sql: `${timeout}\nALTER TABLE {table} ADD COLUMN {column} integer;`,
      },
      {
        does: 'Add the constraint of the domain to the table. Existing rows are not read.',
        sql:
          `${timeout}\nALTER TABLE {table} ADD CONSTRAINT {table}_{column}_check\n` +
          '  CHECK ({column} > 0) NOT VALID;',
      },
      {
        does: 'Let PostgreSQL read the existing rows, in a transaction of its own.',
        sql: 'ALTER TABLE {table} VALIDATE CONSTRAINT {table}_{column}_check;',
      },
    ],
    find(site) {
      const column = newColumn(site)
      if (!column) return null
      const domain = tableKey(strings(column.typeName?.names))
      return site.scene.constrainedDomains.has(domain) ? namesOf(column) : null
    },
  },
  {
    code: 'column-json',
    level: 'warning',
    title: 'column {column} of {table} has type json instead of jsonb',
    lock: 'ACCESS EXCLUSIVE',
    cost: 'instant',
    breaks:
      'json has no equality operator: SELECT DISTINCT, GROUP BY and UNION over all columns of the ' +
      'table fail as soon as the column exists, also in the running application.',
    example: 'ALTER TABLE orders ADD COLUMN extra json;',
    steps: [
      {
        does: 'Use jsonb.',
        sql: `${timeout}\nALTER TABLE {table} ADD COLUMN {column} jsonb;`,
      },
    ],
    find(site) {
      const column = newColumn(site)
      return column && typeOf(column.typeName).name === 'json' ? namesOf(column) : null
    },
  },
]

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
