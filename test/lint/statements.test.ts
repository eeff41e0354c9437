// What rules find depends on the statements before: the transaction, the file, earlier files.
import { describe, expect, test } from 'vitest'
import { lintChanges, lintTexts } from '../../src/lint/lint.ts'
import { codes, codesFor, timeout } from '../helpers/lint/lint-codes.ts'

describe('safe statements', () => {
  test.each([
    'ALTER TABLE t ADD COLUMN a int',
    "ALTER TABLE t ADD COLUMN a timestamptz NOT NULL DEFAULT now(), ADD COLUMN b text DEFAULT 'x'",
    'ALTER TABLE t ADD COLUMN a int GENERATED ALWAYS AS (b + 1) VIRTUAL',
    'CREATE INDEX CONCURRENTLY i ON t (a)',
    'DROP INDEX CONCURRENTLY i',
    'REINDEX TABLE CONCURRENTLY t',
    'ALTER TABLE t ADD CONSTRAINT c CHECK (a > 0) NOT VALID',
    'ALTER TABLE t ADD CONSTRAINT c FOREIGN KEY (a) REFERENCES u NOT VALID',
    'ALTER TABLE t VALIDATE CONSTRAINT c',
    'ALTER TABLE t ADD CONSTRAINT c UNIQUE USING INDEX i',
    'ALTER TABLE t ALTER COLUMN a SET DEFAULT 1',
    "ALTER TYPE e ADD VALUE 'x'",
    'VACUUM (ANALYZE) t',
    'UPDATE t SET a = 1 WHERE id BETWEEN 1 AND 1000',
    'DELETE FROM t WHERE id IN (SELECT id FROM t WHERE a IS NULL LIMIT 1000)',
    "INSERT INTO t VALUES (1, 'a')",
    'GRANT SELECT ON t TO reader',
    'CREATE VIEW v AS SELECT 1',
    'CREATE TABLE t (id bigint PRIMARY KEY, a int NOT NULL UNIQUE REFERENCES u)',
    'ALTER TABLE t ADD COLUMN a int REFERENCES u',
    'ALTER TYPE pair ADD ATTRIBUTE b int CASCADE',
    'CREATE INDEX i ON ONLY t (a)',
    'WITH some_ids AS (SELECT id FROM t LIMIT 9) DELETE FROM t USING some_ids s WHERE t.id = s.id',
    'MERGE INTO t USING (SELECT 1 AS id LIMIT 1) u ON t.id = u.id WHEN MATCHED THEN DELETE',
    'MERGE INTO t USING u ON t.id = u.id WHEN NOT MATCHED THEN INSERT VALUES (1)',
    'SELECT a INTO n FROM t; CREATE INDEX i ON n (a)',
    'CREATE TABLE t (id int, tenant_id bigint, PRIMARY KEY (tenant_id, id))',
    '',
    '-- nothing',
  ])('%s is not found', async (sql) => {
    expect(await codes(sql)).toEqual([])
  })
})

describe('tables of the same file', () => {
  const create =
    'CREATE TABLE t (id bigint PRIMARY KEY, a varchar(10), n numeric(10, 2), seen timestamptz(3), net cidr);'

  test('may be changed freely', async () => {
    const changes = 'CREATE INDEX i ON t (a); ALTER TABLE t ALTER a SET NOT NULL, DROP COLUMN n;'
    expect(await codes(`${create} ${changes} UPDATE t SET a = 'x'; DROP INDEX i;`)).toEqual([])
    expect(await codes(create, changes)).toEqual([
      'index-not-concurrent',
      'column-not-null',
      'column-dropped',
    ])
  })

  test('stay new under another name', async () => {
    const renamed = 'ALTER TABLE t RENAME TO u; CREATE INDEX i ON u (a); ALTER INDEX i RENAME TO j;'
    expect(await codes(`${create} ${renamed} DROP INDEX j; DROP TABLE u;`)).toEqual([])
    const swap = 'ALTER TABLE u RENAME TO o; ALTER TABLE t RENAME TO u;'
    const allow = '-- rehome:allow table-renamed the new one follows\n'
    expect(await codes(`${create}\n${allow}${swap}\nDROP TABLE u;\nDROP TABLE o;`)).toEqual([
      'table-dropped',
    ])
  })

  test.each([
    ['a varchar(20)', []],
    ['a text', []],
    ['n numeric(12, 2)', []],
    ['a varchar(5)', ['column-type-rewrites']],
    ['n numeric(12, 3)', ['column-type-rewrites']],
    ['id integer', ['column-type-rewrites']],
    ['seen timestamptz(6)', []],
    ['seen timestamptz(1)', ['column-type-rewrites']],
    ['net inet', []],
    ['other bigint', ['column-type-rewrites']],
  ])('tell later files the types of columns: %s', async (change, found) => {
    const [column, ...type] = change.split(' ')
    const alter = `ALTER TABLE t ALTER COLUMN ${column} TYPE ${type.join(' ')};`
    expect(await codes(create, alter)).toEqual(found)
  })
})

describe('a CHECK that an earlier file has validated', () => {
  const add = 'ALTER TABLE t ADD CONSTRAINT c CHECK (b > 0 AND a IS NOT NULL) NOT VALID;'
  const set = 'ALTER TABLE t ALTER COLUMN a SET NOT NULL;'
  const validate = 'ALTER TABLE t VALIDATE CONSTRAINT c;'

  test('makes NOT NULL safe, from PostgreSQL 12 on', async () => {
    expect(await codes(add, validate, set)).toEqual([])
    expect(await codes(add, set)).toEqual(['column-not-null'])
    expect(await codesFor({ assumeVersion: '11' }, add, validate, set)).toEqual(['column-not-null'])
  })

  test('no longer does after it was dropped', async () => {
    const drop = 'ALTER TABLE t DROP CONSTRAINT c;'
    expect(await codes(add, validate, drop, set)).toEqual(['column-not-null'])
  })
})

describe('transactions', () => {
  const concurrently = 'CREATE INDEX CONCURRENTLY i ON t (a);'

  test.each([
    ['prisma/migrations/1_a/migration.sql', `${concurrently}\nSELECT 1;`, true],
    ['prisma/migrations/1_a/migration.sql', concurrently, false],
    ['1_a.up.sql', `SELECT 1; ${concurrently}`, true],
    ['V1__a.sql', concurrently, false],
    ['drizzle/0001_a.sql', concurrently, true],
    ['a.sql', `${concurrently}\n--> statement-breakpoint\n`, true],
    ['a.sql', `-- migrate:up\n${concurrently}`, true],
    ['a.sql', `-- migrate:up transaction:false\n${concurrently}`, false],
    ['a.sql', `-- +goose Up\n${concurrently}`, true],
    ['a.sql', `-- +goose NO TRANSACTION\n-- +goose Up\n${concurrently}`, false],
    ['a.sql', `BEGIN; ${concurrently} COMMIT;`, true],
    ['a.sql', `BEGIN; COMMIT; ${concurrently}`, false],
    ['db/migrate/1_a.rb', `def change\n execute "${concurrently}"\nend`, true],
    ['db/migrate/1_a.rb', `disable_ddl_transaction!\n execute '${concurrently}'`, false],
    ['migrations/1.ts', `await sql\`${concurrently}\`.execute(db)`, true],
  ])('of %s: %j', async (path, text, isRefused) => {
    const found = await codes({ path, text })
    expect(found).toEqual(isRefused ? ['concurrently-in-transaction'] : [])
  })

  test('keep strong locks while other tables are locked and rows are changed', async () => {
    const [t, u] = ['t', 'u'].map((table) => `ALTER TABLE ${table} ADD COLUMN a int;`)
    const insert = 'INSERT INTO w SELECT * FROM v;'
    expect(await codes(`BEGIN; ${t} ${u} ${insert} COMMIT;`)).toEqual([
      'tables-locked-together',
      'rows-changed-under-lock',
    ])
    expect(await codes(`BEGIN; ${t} COMMIT; BEGIN; ${u} COMMIT; ${insert}`)).toEqual([])
  })
})

describe('lock_timeout', () => {
  const alter = 'ALTER TABLE t ADD COLUMN a int;'

  test.each([
    ["SET lock_timeout = '5s';", true],
    ['SET LOCAL lock_timeout TO 3000;', true],
    ["SELECT set_config('lock_timeout', '2s', false);", true],
    ['', false],
    ["SET lock_timeout = '1min';", false],
    ['SET lock_timeout = 0;', false],
    ['SET lock_timeout TO DEFAULT;', false],
    ["SET statement_timeout = '5s';", false],
    ["SET lock_timeout = '0.5s';", true],
    ['SET lock_timeout = 1.5;', true],
    ["SET lock_timeout = '1d';", false],
    ["SET lock_timeout = '100us';", false],
    ["BEGIN; SET LOCAL lock_timeout = '2s'; COMMIT;", false],
    ["BEGIN; SET lock_timeout = '2s'; COMMIT;", true],
  ])('%j', async (set, isShort) => {
    const text = `${set}\n${alter}\nALTER TABLE u ADD COLUMN a int;`
    expect(await codes({ path: 'a.sql', text })).toEqual(isShort ? [] : ['lock-timeout'])
  })
})

test('files that run with a short lock_timeout may not undo it', async () => {
  const lines = async (text: string) =>
    (await lintChanges([{ path: 'a.sql', text, isReported: true }])).map(({ code }) => code)
  const alter = 'ALTER TABLE t ADD COLUMN a int;'
  expect(await lines(alter)).toEqual([])
  expect(await lines(`SET lock_timeout = 0; ${alter}`)).toEqual(['lock-timeout'])
  expect(await lines('SET lock_timeout = 0; CREATE INDEX CONCURRENTLY i ON t (a);')).toEqual([])
})

describe('blocks of PL/pgSQL', () => {
  test.each([
    ['DO $$ BEGIN DROP TYPE t; END $$ LANGUAGE plpgsql', ['type-dropped']],
    ['DO LANGUAGE plpgsql $$ BEGIN DROP TYPE t; END $$', ['type-dropped']],
    ['DO LANGUAGE plpython3u $$ x $$', []],
    ['-- rehome:allow type-dropped unused\nDO $$ BEGIN DROP TYPE t; END $$', []],
    ['CREATE FUNCTION f() RETURNS void BEGIN ATOMIC DELETE FROM t; END', []],
    ['CREATE VIEW v AS SELECT * FROM t', []],
  ])('%s', async (text, found) => {
    expect(await codes(text)).toEqual(found)
  })

  test('are read, with EXECUTE of constants', async () => {
    const block = `DO $$\nBEGIN\n  IF true THEN\n    ALTER TABLE t DROP COLUMN a;\n  END IF;
      EXECUTE 'DROP TABLE t';\n  EXECUTE format('DROP TABLE %I', 'x');\nEND $$;`
    const findings = await lintTexts([{ path: 'a.sql', text: `${timeout}\n${block}` }])
    expect(findings.map(({ line, code }) => `${line} ${code}`)).toEqual([
      '5 column-dropped',
      '7 table-dropped',
      '8 dynamic-sql',
    ])
  })
})

describe('a comment that allows a rule', () => {
  const drop = 'ALTER TABLE t\n  DROP COLUMN a;'

  test.each([
    [`-- rehome:allow column-dropped no code uses it\n${drop}`, []],
    [`ALTER TABLE t -- rehome:allow column-dropped no code uses it\n DROP COLUMN a;`, []],
    [`${drop} -- rehome:allow column-dropped no code uses it`, []],
    [`/* rehome:allow column-dropped no code uses it */ ${drop}`, []],
    [`-- rehome:allow column-dropped no code\n${drop}\n${drop}`, ['column-dropped']],
    [`-- rehome:allow table-dropped no code\n${drop}`, ['column-dropped']],
    [`-- rehome:allow column-dropped\n${drop}`, ['allow-comment', 'column-dropped']],
    [`-- rehome:allow column-droped no code\n${drop}`, ['allow-comment', 'column-dropped']],
    [`${drop}\n-- rehome:allow column-dropped no code`, ['column-dropped', 'allow-comment']],
  ])('%j', async (text, found) => {
    expect(await codes(text)).toEqual(found)
  })
})

describe('places', () => {
  test('are lines and columns of the file, in the order of files and lines', async () => {
    const first = `-- für "é" 🏠\n/* x */ ${timeout} DROP TABLE a;\n\n  DROP TABLE\n b; DROP TABLE c`
    const files = [
      { path: 'b.sql', text: first },
      { path: 'a.ts', text: `\n\nawait sql\`\n  ${timeout}\n  DROP TABLE d\`.execute(db)` },
      { path: 'c.sql', text: 'SELECT 1;\nALTER TABEL x;' },
    ]
    const findings = await lintTexts(files)
    expect(findings.map(({ file, line, column }) => `${file}:${line}:${column}`)).toEqual([
      'b.sql:2:34',
      'b.sql:4:3',
      'b.sql:5:5',
      'a.ts:5:3',
      'c.sql:2:7',
    ])
  })
})

test('a plan adds what changes mean for its moves', async () => {
  const text = `${timeout}\nALTER TABLE t ADD COLUMN a int;\nALTER TABLE u ADD COLUMN a int;`
  const files = [{ path: 'a.sql', text }]
  const lines = async (plannedTables: string[]) =>
    (await lintTexts(files, { plannedTables })).map(({ line, code }) => `${line} ${code}`)
  expect(await lines(['t'])).toEqual(['2 planned-table-changed'])
  expect(await lines(['*'])).toEqual(['2 planned-table-changed', '3 planned-table-changed'])
})

test('a version that is none is refused', async () => {
  await expect(codesFor({ assumeVersion: 'new' }, 'SELECT 1')).rejects.toThrow(
    '"new" is no version',
  )
})
