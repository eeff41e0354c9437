/** Findings about the text itself: SQL that PostgreSQL does not understand, and comments. */
import type { PostgresRule } from '../postgres/site.ts'
import { timeout } from './common-steps.ts'

export const readingRules: readonly PostgresRule[] = [
  {
    code: 'syntax',
    level: 'error',
    title: 'PostgreSQL does not understand the file: {=message}',
    lock: null,
    cost: 'instant',
    breaks: 'No rule has seen any statement of the file. The parser is that of PostgreSQL 18.',
    example: 'ALTER TABEL orders ADD COLUMN remark text;',
    steps: [{ does: 'Correct the statement, or exclude the file if it is no SQL for PostgreSQL.' }],
    // Found by lint-postgres.ts, as are the others.
    find: () => null,
  },
  {
    code: 'builder-call',
    level: 'warning',
    title: 'file calls a schema builder, which no rule reads',
    lock: null,
    cost: 'instant',
    breaks:
      'Only SQL is read: templates with the tag `sql`, arguments of `raw` and `execute`. What a builder ' +
      'such as `db.schema.alterTable` of Kysely or `add_column` of Rails makes, no rule has seen.',
    example: "await db.schema.dropTable('lines').execute()",
    exampleFile: 'migrations/001.ts',
    steps: [
      {
        does:
          'Print the SQL and lint that: `compile().sql` of Kysely, `toSQL()` of Knex, `rails db:migrate` ' +
          'with a log. For Rails, strong_migrations checks the calls themselves.',
      },
    ],
    find: () => null,
  },
  {
    code: 'allow-comment',
    level: 'error',
    title: 'comment allows nothing: {=message}',
    lock: null,
    cost: 'instant',
    breaks:
      'A comment `rehome:allow` names the code of a rule and a reason. Without a reason the next reader ' +
      'cannot tell whether it is still true.',
    example: '-- rehome:allow table-dropped\nDROP TABLE lines;',
    steps: [
      {
        does: 'Say why, in the line of the statement or before it.',
        sql: `${timeout}\n-- rehome:allow table-dropped release 41 was the last to use it\nDROP TABLE lines;`,
      },
    ],
    find: () => null,
  },
  {
    code: 'batches-comment',
    level: 'error',
    title: 'comment divides nothing into batches: {=message}',
    lock: null,
    cost: 'instant',
    breaks:
      'A comment `rehome:batches` stands above an UPDATE or a DELETE that `rehome schema` runs in batches. ' +
      'The statement would change all rows at once.',
    example:
      "-- rehome:batches key=id rows=1000\nUPDATE orders SET note = 'none' WHERE note = 'empty';",
    steps: [
      {
        does: 'Name a unique key of the table, and how many rows one batch covers.',
        sql:
          '-- rehome:batches key=id size=1000\n' +
          "UPDATE orders SET note = 'none' WHERE note = 'empty';",
      },
    ],
    find: () => null,
  },
]
