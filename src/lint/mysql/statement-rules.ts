/** Rules for MySQL on what breaks the running release, loses rows, or waits for locks. */
import { tableAt } from './operations.ts'
import type { MysqlRule, MysqlSite } from './site.ts'

const wait = 'SET SESSION lock_wait_timeout = 2;'

/** Tables behind the first words of the statement that are not of this file. */
function tableAfter({ statement, text, scene }: MysqlSite, words: RegExp): string | null {
  const match = words.exec(text)
  if (!match) return null
  const { table } = tableAt(statement.tokens, match[0].trim().split(' ').length)
  return scene.isNew(table) ? null : table
}

export const statementRules: readonly MysqlRule[] = [
  {
    code: 'mysql-column-dropped',
    level: 'error',
    title: 'column {column} of {table} is dropped',
    lock: 'LOCK=NONE',
    cost: 'instant',
    breaks:
      'The running application fails in every statement that names the column. Many ORMs name all ' +
      'columns that they knew at their start, also in INSERT. The values are lost.',
    safeFrom: '8.0.29 without writing the rows again',
    example: 'ALTER TABLE orders DROP COLUMN note, ALGORITHM=INSTANT;',
    steps: [
      {
        does: 'First deployment: the application ignores the column. It needs a default, or NULL.',
      },
      { does: 'Second deployment: no instance runs that knows the column. Wait for jobs, too.' },
      {
        does: 'Third deployment: drop it.',
        sql:
          `${wait}\n-- rehome:allow mysql-column-dropped no release that is running uses it\n` +
          'ALTER TABLE {table} DROP COLUMN {column}, ALGORITHM=INSTANT;',
      },
    ],
    find({ operation }) {
      return operation?.kind === 'drop column' ? { column: operation.column } : null
    },
  },
  {
    code: 'mysql-column-renamed',
    level: 'error',
    title: 'column {column} of {table} is renamed to {renamed}',
    lock: 'LOCK=NONE',
    cost: 'instant',
    breaks:
      'The running application fails in every statement with the old name, and the next release fails ' +
      'until the rename is done.',
    example: 'ALTER TABLE orders RENAME COLUMN note TO remark, ALGORITHM=INSTANT;',
    steps: [
      {
        does: 'Expand: add the new column, of the same type.',
        sql: `${wait}\nALTER TABLE {table} ADD COLUMN {renamed} TEXT, ALGORITHM=INSTANT;`,
      },
      {
        does: 'Deploy an application that writes both columns, and fill existing rows in batches.',
      },
      { does: 'Deploy an application that uses the new column only. Then drop the old one.' },
    ],
    find({ operation }) {
      const isRenamed = operation?.renamed && operation.kind !== 'rename table'
      return isRenamed ? { column: operation.column, renamed: operation.renamed } : null
    },
  },
  {
    code: 'mysql-column-without-default',
    level: 'error',
    title: 'column {column} of {table} is NOT NULL and has no default',
    lock: 'LOCK=NONE',
    cost: 'instant',
    breaks:
      'Existing rows silently get 0 or an empty text. INSERTs of the running application, which do not ' +
      'name the column, fail in strict mode.',
    example: 'ALTER TABLE orders ADD COLUMN currency CHAR(3) NOT NULL, ALGORITHM=INSTANT;',
    steps: [
      {
        does: 'Give it a constant default.',
        sql:
          `${wait}\nALTER TABLE {table} ADD COLUMN {column} {=type} NOT NULL DEFAULT 'EUR',\n` +
          '  ALGORITHM=INSTANT;',
      },
    ],
    find({ operation }) {
      if (operation?.kind !== 'add column' || !/\bNOT NULL\b/.test(operation.definition))
        return null
      if (/\bDEFAULT\b|\bAUTO_INCREMENT\b|\bAS \(/.test(operation.definition)) return null
      const [type = ''] = /^\w+(?: \([^)]*\))?/.exec(operation.definition) ?? []
      return { column: operation.column, type: type.replaceAll(' ', '') }
    },
  },
  {
    code: 'mysql-not-null',
    level: 'warning',
    title: 'column {column} of {table} becomes NOT NULL',
    lock: null,
    cost: 'rewrite',
    breaks:
      'Without strict mode every NULL silently becomes 0 or an empty text. In strict mode the statement ' +
      'fails at the first NULL, after it has read the rows before it. INSERTs without the column fail.',
    example: 'ALTER TABLE customers MODIFY name TEXT NOT NULL;',
    steps: [
      { does: 'Deploy an application that writes the column, and fill existing rows in batches.' },
      {
        does: 'Change it in strict mode.',
        sql:
          `${wait}\nSET SESSION sql_mode = 'STRICT_ALL_TABLES';\n` +
          '-- rehome:allow mysql-not-null strict mode, and no row has NULL\n' +
          '-- rehome:allow mysql-copies-table it fails instead of copying\n' +
          'ALTER TABLE {table} MODIFY {column} {=type} NOT NULL, ALGORITHM=INPLACE, LOCK=NONE;',
      },
    ],
    find({ operation, scene }) {
      if (operation?.kind !== 'modify column' || !/\bNOT NULL\b/.test(operation.definition))
        return null
      const before = scene.definitionOf(operation.table, operation.column)
      if (before !== undefined && /\bNOT NULL\b/.test(before)) return null
      const [type = ''] = /^\w+(?: \([^)]*\))?/.exec(operation.definition) ?? []
      return { column: operation.column, type: type.replaceAll(' ', '') }
    },
  },
  {
    code: 'mysql-table-renamed',
    level: 'error',
    title: 'table {object} is renamed',
    lock: null,
    cost: 'instant',
    breaks: 'The running application fails in every statement with the old name.',
    example: 'RENAME TABLE orders TO purchases;',
    steps: [
      {
        does: 'Leave a view with the old name. MySQL commits the two statements one after the other.',
        sql:
          `${wait}\n-- rehome:allow mysql-table-renamed the view follows at once\n` +
          'RENAME TABLE {object} TO {renamed};\nCREATE VIEW {object} AS SELECT * FROM {renamed};',
      },
      { does: 'Deploy an application that uses the new name, and drop the view.' },
    ],
    find(site) {
      const { operation, text } = site
      if (operation?.kind === 'rename table')
        return { object: operation.table, renamed: operation.renamed }
      const object = tableAfter(site, /^RENAME TABLE /)
      const renamed = / TO `?([\w$]+)`?/.exec(text)?.[1]?.toLowerCase() ?? ''
      return object === null ? null : { object, renamed }
    },
  },
  {
    code: 'mysql-table-dropped',
    level: 'error',
    title: 'table {object} is dropped or truncated',
    lock: null,
    cost: 'instant',
    breaks:
      'The rows are lost, and DDL has no rollback in MySQL. A running application fails in every ' +
      'statement with a dropped table.',
    example: 'DROP TABLE orders;',
    steps: [
      { does: 'Deploy an application that does not use the table.' },
      {
        does: 'Rename it, wait for some days, and drop it then.',
        sql:
          `${wait}\n-- rehome:allow mysql-table-renamed no release that is running uses it\n` +
          'RENAME TABLE {object} TO {object}_unused;',
      },
    ],
    find(site) {
      const object =
        tableAfter(site, /^DROP TABLE (?:IF EXISTS )?/) ?? tableAfter(site, /^TRUNCATE (?:TABLE )?/)
      return object === null ? null : { object }
    },
  },
  {
    code: 'mysql-database-dropped',
    level: 'error',
    title: 'database {object} is dropped',
    lock: null,
    cost: 'instant',
    breaks: 'All tables in it are lost, and DDL has no rollback in MySQL.',
    example: 'DROP DATABASE archive;',
    steps: [
      { does: 'Drop its tables one by one (see mysql-table-dropped), then the empty database.' },
    ],
    find({ text }) {
      const match = /^DROP (?:DATABASE|SCHEMA) (?:IF EXISTS )?`?([^` ]+)/.exec(text)
      return match ? { object: match[1]?.toLowerCase() ?? '' } : null
    },
  },
  {
    code: 'mysql-index-dropped',
    level: 'warning',
    title: 'index {object} of {table} is dropped',
    lock: 'LOCK=NONE',
    cost: 'instant',
    breaks:
      'Queries that used it read the whole table from then on, and to build it again takes time.',
    safeFrom: '8.0, which can make it invisible first',
    example: 'ALTER TABLE orders DROP INDEX by_day, ALGORITHM=INPLACE, LOCK=NONE;',
    steps: [
      {
        does: 'Make it invisible, and watch the slow queries for some days.',
        sql: `${wait}\nALTER TABLE {table} ALTER INDEX {object} INVISIBLE, ALGORITHM=INPLACE, LOCK=NONE;`,
      },
      {
        does: 'Drop it.',
        sql:
          `${wait}\n-- rehome:allow mysql-index-dropped it was invisible for a week\n` +
          'ALTER TABLE {table} DROP INDEX {object}, ALGORITHM=INPLACE, LOCK=NONE;',
      },
    ],
    find({ operation }) {
      return operation?.kind === 'drop index' ? { object: operation.column } : null
    },
  },
  {
    code: 'mysql-lock-wait-timeout',
    level: 'warning',
    title: 'metadata lock on {table} is waited for without a lock_wait_timeout of at most 10 s',
    lock: null,
    cost: 'instant',
    breaks:
      'Every DDL waits for transactions that have used the table, even if they only read it, and every ' +
      'later query waits behind it. The default is a year.',
    example: 'ALTER TABLE orders ADD COLUMN remark TEXT, ALGORITHM=INSTANT;',
    steps: [{ does: 'Wait for 2 seconds at most, and run the migration again.', sql: wait }],
    find({ alteration, first, scene }) {
      const isReported = scene.waitsShortly || scene.timeoutReported
      return alteration && first && !isReported ? {} : null
    },
  },
  {
    code: 'mysql-rows-changed-at-once',
    level: 'error',
    title: 'all rows of {object} may be changed by one statement',
    lock: null,
    cost: 'scan',
    breaks:
      'Every changed row stays locked until the statement has changed the last one, the undo log grows as ' +
      'long, and replicas fall behind.',
    example: "UPDATE orders SET note = 'none' WHERE note IS NULL;",
    steps: [
      {
        does: 'Repeat it with a LIMIT, each time in a transaction of its own, until it changes no row.',
        sql: '{=batch}',
      },
    ],
    find(site) {
      const { text, statement } = site
      const object =
        tableAfter(site, /^UPDATE (?:LOW_PRIORITY )?(?:IGNORE )?/) ??
        tableAfter(site, /^DELETE (?:LOW_PRIORITY |QUICK |IGNORE )*(?:FROM )?/)
      if (object === null || /\bLIMIT \d/.test(text)) return null
      const where = /\bWHERE (.*)$/.exec(text)?.[1] ?? ''
      const isBounded = /(?:=|<=?|>=?|\bIN|\bBETWEEN) (?:\( )?(?:\d|['"?:]\S)/.test(where)
      const batch = `${statement.text.replace(/;\s*$/, '')} LIMIT 1000;`
      return isBounded ? null : { object, batch }
    },
  },
  {
    code: 'mysql-commits-transaction',
    level: 'warning',
    title: 'DDL on {table} commits the transaction that it stands in',
    lock: null,
    cost: 'instant',
    breaks:
      'MySQL commits before and after DDL. If a later statement fails, nothing of what stands before it is ' +
      'rolled back, and the migration cannot simply be run again.',
    example:
      'SET SESSION lock_wait_timeout = 2;\nSTART TRANSACTION;\n' +
      'ALTER TABLE orders ADD COLUMN remark TEXT, ALGORITHM=INSTANT;\nCOMMIT;',
    steps: [{ does: 'One statement for each migration, without BEGIN.' }],
    find({ alteration, first, scene }) {
      return alteration && first && scene.inTransaction ? {} : null
    },
  },
]
