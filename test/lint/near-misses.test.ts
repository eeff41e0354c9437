// Statements that differ from safe ones by a word.
import { describe, expect, test } from 'vitest'
import { codes } from '../helpers/lint/lint-codes.ts'

describe('near misses of safe statements', () => {
  test.each([
    ['ALTER TABLE t ADD COLUMN a int DEFAULT 1 REFERENCES u', 'foreign-key-validated'],
    ['ALTER TABLE t ADD COLUMN a int NOT NULL DEFAULT NULL', 'column-not-null-without-default'],
    [
      'CREATE DOMAIN public.p AS int CHECK (VALUE > 0); ALTER TABLE t ADD a public.p',
      'column-domain',
    ],
    ['ALTER TABLE t ALTER COLUMN a SET EXPRESSION AS (b + 1)', 'column-generated-stored'],
    ['ALTER TABLE t ALTER COLUMN a DROP IDENTITY', 'column-default-dropped'],
    ['ALTER TABLE t ALTER COLUMN a DROP EXPRESSION', 'column-default-dropped'],
    ['ALTER INDEX i SET TABLESPACE x', 'table-rewritten'],
    ['ALTER MATERIALIZED VIEW m SET TABLESPACE x', 'table-rewritten'],
    ['ALTER TABLE ALL IN TABLESPACE x SET TABLESPACE y', 'table-rewritten'],
    ['ALTER VIEW v RENAME TO w', 'table-renamed'],
    ['ALTER VIEW v RENAME COLUMN a TO b', 'column-renamed'],
    ['DROP POLICY p ON t', 'row-security-changed'],
    ['ALTER POLICY p ON t USING (false)', 'row-security-changed'],
    ['CREATE RULE r AS ON INSERT TO t DO INSTEAD NOTHING', 'trigger-changed'],
    ['DROP RULE r ON t', 'trigger-changed'],
    [
      'CREATE CONSTRAINT TRIGGER c AFTER INSERT ON t FOR EACH ROW EXECUTE FUNCTION f()',
      'trigger-changed',
    ],
    ['DROP DATABASE d', 'schema-dropped'],
    ['DROP OWNED BY r', 'drop-cascades'],
    ['ALTER TABLE t DROP CONSTRAINT a_key CASCADE', 'drop-cascades'],
    ['UPDATE t SET a = 1 WHERE deleted = false', 'rows-changed-at-once'],
    ['WITH x AS (DELETE FROM t RETURNING id) SELECT count(*) FROM x', 'rows-changed-at-once'],
    ['MERGE INTO t USING u ON t.id = u.id WHEN MATCHED THEN DELETE', 'rows-changed-at-once'],
    ['CREATE TABLE n (id int, PRIMARY KEY (id))', 'key-integer'],
    ['ALTER TABLE t ADD CONSTRAINT p PRIMARY KEY USING INDEX i', 'primary-key-from-index'],
  ])('%s is found', async (sql, code) => {
    expect(await codes(sql)).toEqual([code])
  })

  test.each([
    'VALIDATE',
    'SELECT count(*) FROM u',
    'CREATE TABLE n AS SELECT * FROM u',
    'REFRESH MATERIALIZED VIEW CONCURRENTLY u',
    'UPDATE u SET a = 1 WHERE id = 1',
  ])('%s is found in a transaction that has a lock', async (work) => {
    const sql = work === 'VALIDATE' ? 'ALTER TABLE u VALIDATE CONSTRAINT c' : work
    const locked = 'ALTER TABLE t ADD COLUMN a int;'
    expect(await codes(`BEGIN; ${locked} ${sql}; COMMIT;`)).toEqual(['rows-changed-under-lock'])
    expect(await codes(`BEGIN; ${locked} COMMIT; ${sql};`)).toEqual([])
  })

  test.each([
    'SELECT 1',
    "SELECT count(*) FROM pg_constraint WHERE conname = 'c'",
    'SELECT id FROM u LIMIT 1',
    'INSERT INTO u VALUES (1)',
  ])('%s is accepted in a transaction that has a lock', async (sql) => {
    expect(await codes(`BEGIN; ALTER TABLE t ADD COLUMN a int; ${sql}; COMMIT;`)).toEqual([])
  })

  test('a primary key from an index reads no row where its columns are NOT NULL', async () => {
    const index = 'CREATE UNIQUE INDEX CONCURRENTLY i ON t (a, b);'
    const key = 'ALTER TABLE t ADD CONSTRAINT p PRIMARY KEY USING INDEX i;'
    const set = 'ALTER TABLE t ALTER a SET NOT NULL, ALTER b SET NOT NULL;'
    const allow = '-- rehome:allow column-not-null it is small\n'
    expect(await codes(index, key)).toEqual(['primary-key-from-index'])
    expect(await codes(index, allow + set, key)).toEqual([])
    const drop = '-- rehome:allow column-nullable for a test\nALTER TABLE t ALTER b DROP NOT NULL;'
    expect(await codes(index, allow + set, drop, key)).toEqual(['primary-key-from-index'])
  })
})
