/** Rules for ALTER TABLE of MySQL: what it costs, by operation and version. */
import type { Step } from '../rule.ts'
import type { Operation } from './operations.ts'
import type { MysqlRule, MysqlSite } from './site.ts'

const wait = 'SET SESSION lock_wait_timeout = 2;'

const tableCopy: Step = {
  does:
    'Let gh-ost (by the binary log, without triggers; no foreign keys), pt-online-schema-change or lhm ' +
    '(both by triggers) copy the table beside the application: ' +
    '`gh-ost --table={table} --alter="{=clause}" --max-lag-millis=1500 --execute`.',
}

const sameMode = (execution: MysqlSite['execution'], algorithm: string) =>
  execution?.algorithm === algorithm

function namesOf({ kind, column, table, source, renamed }: Operation) {
  return { operation: kind, column, object: column || table, clause: source, renamed }
}

/** Operations with a rule of their own. */
const special = ['add foreign key', 'add check']

export const alterRules: readonly MysqlRule[] = [
  {
    code: 'mysql-copies-table',
    level: 'error',
    title: 'operation {operation} ({object}) copies table {table}',
    lock: 'LOCK=SHARED',
    cost: 'rewrite',
    breaks:
      'Writes to the table wait until all rows are copied. Replicas apply the statement after the primary ' +
      'has ended, and fall behind by the same time. The rule knows the old type of a column if a ' +
      'linted file has it.',
    safeFrom:
      'no version for types, character sets and stored generated columns; 8.0 for values at the end of ' +
      'an ENUM or SET that take no more bytes; any version for a VARCHAR that stays within 255 bytes, or above',
    example: 'ALTER TABLE orders MODIFY id BIGINT NOT NULL;',
    steps: [
      {
        does:
          'State ALGORITHM and LOCK: the server then refuses the statement instead of copying. Try this ' +
          'on a copy of the schema.',
      },
      tableCopy,
      {
        does: 'Or add a new column, write both, fill it in batches, read it, and drop the old one.',
      },
    ],
    find({ operation, execution }) {
      const isSpecial = operation && special.includes(operation.kind)
      return operation && !isSpecial && sameMode(execution, 'COPY') ? namesOf(operation) : null
    },
  },
  {
    code: 'mysql-blocks-writes',
    level: 'error',
    title: 'operation {operation} ({object}) blocks writes to {table}',
    lock: 'LOCK=SHARED',
    cost: 'build',
    breaks:
      'FULLTEXT and SPATIAL indexes, AUTO_INCREMENT columns and the reorganization of partitions do not ' +
      'permit writes while they run, though they are in place.',
    example: 'ALTER TABLE orders ADD FULLTEXT INDEX note_words (note);',
    steps: [tableCopy, { does: 'Or run it in an hour in which no one writes.' }],
    find({ operation, execution }) {
      const blocks = execution?.lock === 'SHARED' && sameMode(execution, 'INPLACE')
      return operation && blocks ? namesOf(operation) : null
    },
  },
  {
    code: 'mysql-rebuilds-table',
    level: 'warning',
    title: 'operation {operation} ({object}) writes all rows of {table} again',
    lock: 'LOCK=NONE',
    cost: 'rewrite',
    breaks:
      'Reads and writes go on, but the disk needs room for the table twice, changes meanwhile have to ' +
      'fit into innodb_online_alter_log_max_size, and replicas fall behind by the whole time.',
    safeFrom:
      '8.0.12 for a column at the end, 8.0.29 for a column anywhere and for DROP COLUMN: INSTANT, up to ' +
      '64 times for a table',
    example:
      'ALTER TABLE orders DROP COLUMN note; -- rehome:allow mysql-column-dropped no code uses it',
    exampleVersion: '5.7',
    steps: [
      {
        does: 'State what you expect: the server refuses it instead of blocking writes.',
        sql: `${wait}\n-- rehome:allow mysql-rebuilds-table replicas may fall behind\n{=stated}`,
      },
      tableCopy,
    ],
    find({ operation, execution, alteration }) {
      if (!operation || !execution?.rebuilds || execution.lock === 'SHARED') return null
      const table = alteration?.table ?? ''
      const allow = '-- rehome:allow mysql-column-dropped no code uses it\n'
      const lead = operation.kind === 'drop column' ? allow : ''
      const stated = `${lead}ALTER TABLE ${table} ${operation.source}, ALGORITHM=INPLACE, LOCK=NONE;`
      return sameMode(execution, 'INPLACE') ? { ...namesOf(operation), stated } : null
    },
  },
  {
    code: 'mysql-algorithm-not-stated',
    level: 'warning',
    title: 'ALTER TABLE {table} does not state ALGORITHM={=algorithm}',
    lock: 'LOCK=NONE',
    cost: 'instant',
    breaks:
      'The server takes the best algorithm that is possible, down to a copy of the table that blocks ' +
      'writes, without a word: an older version, a FULLTEXT index, 64 earlier changes, or a column type ' +
      'decide.',
    example: 'SET SESSION lock_wait_timeout = 2;\nALTER TABLE orders ADD COLUMN remark TEXT;',
    steps: [
      {
        does: 'State the algorithm that is expected. If it is impossible, the statement fails at once.',
        sql: `${wait}\n{=stated}`,
      },
    ],
    find({ alteration, execution, first, statement, operation, scene }) {
      if (!first || !alteration || !execution || alteration.algorithm !== '') return null
      // Statements about partitions take the clause from 8.0 on, and only to add or drop some.
      const isOther = /^(?:TRUNCATE|EXCHANGE|ANALYZE|CHECK|REPAIR) /.test(operation?.text ?? '')
      const isOld = isOther || scene.version < 80000
      if (operation?.kind === 'change partitions' && isOld) return null
      if (execution.algorithm === 'COPY' || execution.lock === 'SHARED') return null
      const text = statement.text.replace(/;\s*$/, '')
      const comma = /^\s*alter/i.test(text) ? ',' : ''
      // INSTANT knows no LOCK.
      const lock = execution.algorithm === 'INSTANT' ? '' : `${comma} LOCK=NONE`
      const stated = `${text}${comma} ALGORITHM=${execution.algorithm}${lock};`
      return { algorithm: execution.algorithm, stated }
    },
  },
  {
    code: 'mysql-lock-stated',
    level: 'error',
    title: 'ALTER TABLE {table} asks for {=stated}',
    lock: 'LOCK=SHARED',
    cost: 'rewrite',
    breaks: 'Writes wait until the statement ends; with LOCK=EXCLUSIVE reads do, too.',
    example: 'ALTER TABLE orders ADD COLUMN remark TEXT, ALGORITHM=COPY;',
    steps: [{ does: 'Ask for ALGORITHM=INSTANT, or for ALGORITHM=INPLACE, LOCK=NONE.' }],
    find({ alteration, first }) {
      if (!first || !alteration) return null
      const { algorithm, lock } = alteration
      if (algorithm === 'COPY') return { stated: 'ALGORITHM=COPY' }
      return /^(?:SHARED|EXCLUSIVE)$/.test(lock) ? { stated: `LOCK=${lock}` } : null
    },
  },
  {
    code: 'mysql-foreign-key',
    level: 'error',
    title: 'foreign key of {table} is checked while the table is copied',
    lock: 'LOCK=SHARED',
    cost: 'rewrite',
    breaks:
      'Writes to the table wait until it is copied and every row is looked up. The referenced table is ' +
      'locked for the metadata. gh-ost and partitioned tables know no foreign keys.',
    example:
      'ALTER TABLE orders ADD CONSTRAINT c FOREIGN KEY (customer_id) REFERENCES customers (id);',
    steps: [
      {
        does: 'Add it without a check of existing rows: this session only, in place.',
        sql:
          `${wait}\nSET SESSION foreign_key_checks = 0;\n` +
          'ALTER TABLE {table} {=clause},\n  ALGORITHM=INPLACE, LOCK=NONE;\n' +
          'SET SESSION foreign_key_checks = 1;',
      },
      { does: 'Then look for rows without a parent by a query, in batches.' },
    ],
    find({ operation, execution }) {
      const isCopied = operation?.kind === 'add foreign key' && sameMode(execution, 'COPY')
      return isCopied ? namesOf(operation) : null
    },
  },
  {
    code: 'mysql-check',
    level: 'error',
    title: 'CHECK of {table} is added or enforced while the table is copied',
    lock: 'LOCK=SHARED',
    cost: 'rewrite',
    breaks:
      'Writes to the table wait until it is copied. NOT ENFORCED first and ENFORCED later copies it, too: ' +
      'MySQL has no way to add a CHECK online.',
    example: 'ALTER TABLE orders ADD CONSTRAINT price_positive CHECK (price > 0);',
    steps: [{ does: 'Check the value in the application, or:' }, tableCopy],
    find({ operation }) {
      return operation?.kind === 'add check' ? namesOf(operation) : null
    },
  },
  {
    code: 'mysql-index-delays-replicas',
    level: 'warning',
    title: 'index {object} on {table} is built by the replicas after the primary',
    lock: 'LOCK=NONE',
    cost: 'build',
    breaks:
      'Reads and writes of the primary go on. Each replica builds the index when the primary has ended, ' +
      'and applies nothing else meanwhile: it falls behind by the time of the build.',
    example: 'ALTER TABLE orders ADD INDEX by_day (day), ALGORITHM=INPLACE, LOCK=NONE;',
    steps: [
      { does: 'Build it where replicas may fall behind as long as the build takes, or:' },
      tableCopy,
    ],
    find({ operation }) {
      const isIndex = operation?.kind === 'add index' || operation?.kind === 'add unique index'
      if (!operation || !isIndex) return null
      const name = /(?:INDEX|KEY|UNIQUE) (`?[\w$]+`?) (?:USING|\()/.exec(operation.text)?.[1]
      return {
        ...namesOf(operation),
        object: name?.replaceAll('`', '').toLowerCase() ?? operation.column,
      }
    },
  },
]
