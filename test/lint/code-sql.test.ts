// SQL within programs and within files of other tools: what is run, and what is not.
import { describe, expect, test } from 'vitest'
import { codes, timeout } from '../helpers/lint/lint-codes.ts'

describe('what undoes a migration, and what is no SQL', () => {
  test.each([
    ['a.sql', '-- migrate:up\nSELECT 1;\n-- migrate:down\nDROP TABLE t;', []],
    ['a.sql', '-- +goose Up\nSELECT 1;\n-- +goose Down\nDROP TABLE t;', []],
    ['V1__a.sql', `${timeout} DROP TABLE \${schema}.t;`, ['table-dropped']],
    ['a.sql', `\\set x 1\n\\connect y\n${timeout} DROP TABLE t;`, ['table-dropped']],
    [
      'migrations/1.ts',
      'export async function up(db) { await sql`DROP TABLE $' +
        '{sql.table(name)}`.execute(db) }\n' +
        'export async function down(db) { await sql`DROP TABLE t`.execute(db) }',
      ['table-dropped', 'lock-timeout'],
    ],
    ['migrations/1.js', "exports.up = (knex) => knex.raw('DROP TYPE t')", ['type-dropped']],
    ['migrations/1.ts', 'await db.schema.alterTable("t").execute()', ['builder-call']],
    ['migrations/1.ts', 'const a = sql`now()`', []],
    ['db/migrate/1_a.rb', 'def change\n  add_column :t, :a, :text\nend', ['builder-call']],
    ['db/migrate/1_a.rb', 'execute <<~SQL\n  DROP TYPE t;\nSQL', ['type-dropped']],
    ['db/migrate/1_a.rb', "def down\n  execute 'DROP TYPE t'\nend", []],
    [
      'db/migrate/1_a.rb',
      "dir.up { execute 'DROP TYPE t' }\ndir.down { execute 'DROP TYPE u' }",
      ['type-dropped'],
    ],
    [
      'db/migrate/1_a.rb',
      "  dir.down do\n    execute 'DROP TYPE t'\n  end\n# execute 'DROP TYPE u'",
      [],
    ],
    ['db/migrate/1_a.rb', 'execute %q{DROP TYPE t}', ['type-dropped']],
    ['db/migrate/1_a.rb', 'execute "DROP " \\\n  "TYPE t"', ['type-dropped']],
    [
      'db/migrate/1_a.rb',
      "execute 'UPDATE t SET a = \\'x\\' WHERE b IS NULL'",
      ['rows-changed-at-once'],
    ],
    ['db/migrate/1_a.rb', 'execute File.read("a.sql")', ['builder-call']],
    [
      'db/migrate/1_a.rb',
      `execute "${timeout}"\nexecute <<~SQL\n  DROP TABLE t\nSQL`,
      ['table-dropped'],
    ],
    ['migrations/1.ts', '// sql`DROP TYPE t`\n/* sql`DROP TYPE u` */', []],
    ['migrations/1.ts', 'q.query("DROP TYPE \\"t\\"")', ['type-dropped']],
    ['migrations/1.ts', "q.query('DROP ' +\n  'TYPE t')", ['type-dropped']],
    ['migrations/1.ts', 'q.query(text)', ['builder-call']],
    ['migrations/1.ts', '// rehome:allow builder-call it adds a table\nq.query(text)', []],
    ['migrations/1.ts', 'q.addColumn("t", c)', ['builder-call']],
    ['migrations/1.ts', "knex.raw('UPDATE t SET a = ? WHERE id = :id', [1])", []],
    ['migrations/1.ts', 'sql`UPDATE t SET a = 1 $' + '{where}`', ['dynamic-sql']],
    [
      'a.sql',
      '\\set x 1\nDROP TYPE :x;\nSELECT :\'x\' \\gset\nDROP TYPE :"x";',
      ['type-dropped', 'type-dropped'],
    ],
    ['a.sql', "COPY t (a) FROM stdin;\nit's\n\\.\nDROP TYPE t;", ['type-dropped']],
    ['a.sql', 'DROP TYPE t;\0DROP TYPE u;', ['syntax']],
  ])('%s: %j', async (path, text, found) => {
    expect(await codes({ path, text })).toEqual(found)
  })
})
