// Files of SQL become units that can be resumed, or are refused with the line that could not be.
import { describe, expect, test } from 'vitest'
import { unitsOf } from '../../../../src/ends/postgres/schema/units.ts'

const kindsIn = async (text: string) =>
  (await unitsOf({ name: '001.sql', text })).units.map(({ kind, statements }) => [
    kind,
    ...statements.map(({ number }) => number),
  ])

describe('a file', () => {
  test('is divided into settings, transactions, batches and what runs in no transaction', async () => {
    const text = `
      -- first
      SET lock_timeout = '2s';
      CREATE TABLE a (id int);
      BEGIN ISOLATION LEVEL SERIALIZABLE;
      INSERT INTO a VALUES (1); SAVEPOINT s; UPDATE a SET id = 2 WHERE id = 1;
      COMMIT;
      CREATE INDEX CONCURRENTLY i ON a (id);
      -- rehome:batches key=id size=10
      UPDATE a SET b = id WHERE id IS NULL OR id > 3;
      SELECT set_config('search_path', 'x', false);
      VACUUM a;`
    expect(await kindsIn(text)).toEqual([
      ['setting', 1],
      ['transaction', 2],
      ['transaction', 4, 5, 6],
      ['concurrent', 8],
      ['batches', 9],
      ['setting', 10],
      ['concurrent', 11],
    ])
  })

  test('begins its transaction as it says', async () => {
    const { units } = await unitsOf({ name: 'a.sql', text: 'start transaction; select 1; end;' })
    expect(units[0]?.begin).toBe('start transaction')
  })

  test('has another hash where a statement changes, and the same where a comment does', async () => {
    const hashOf = async (text: string) => (await unitsOf({ name: 'a.sql', text })).hash
    const before = await hashOf('CREATE TABLE a (id int);\nDROP TABLE b;')
    expect(await hashOf('-- a note\nCREATE TABLE a (id int);\n\n\nDROP TABLE b')).toBe(before)
    expect(await hashOf('CREATE TABLE a (id int8);\nDROP TABLE b;')).not.toBe(before)
    const batches = (size: number) =>
      hashOf(`-- rehome:batches key=id size=${size}\nUPDATE a SET b = 1 WHERE b = 0`)
    expect(await batches(1)).not.toBe(await batches(2))
  })

  test('of dbmate runs only the part before its down migration', async () => {
    const text = '-- migrate:up\nCREATE TABLE a ();\n-- migrate:down\nDROP TABLE a;'
    expect(await kindsIn(text)).toEqual([['transaction', 1]])
  })

  test.each([
    ['SELECT 1;\nALTER TABEL a;', 'line 2', 'syntax error'],
    ['BEGIN;\nSELECT 1;', 'line 1', 'BEGIN has no COMMIT'],
    ['BEGIN; BEGIN; COMMIT;', 'line 1', 'BEGIN stands after BEGIN'],
    ['COMMIT;', 'line 1', 'COMMIT has no BEGIN'],
    ['BEGIN; SELECT 1; ROLLBACK;', 'line 1', 'only BEGIN and COMMIT'],
    ["BEGIN; SELECT 1; PREPARE TRANSACTION 'x';", 'line 1', 'only BEGIN and COMMIT'],
    ['BEGIN; SELECT 1; COMMIT AND CHAIN;', 'line 1', 'AND CHAIN'],
    ['SAVEPOINT s;', 'line 1', 'a savepoint needs BEGIN'],
    ['BEGIN; SET search_path = x; COMMIT;', 'line 1', 'SET LOCAL'],
    ['BEGIN; VACUUM a; COMMIT;', 'line 1', 'between BEGIN and COMMIT'],
    ['CREATE INDEX CONCURRENTLY ON a (id);', 'line 1', 'has no name'],
    ['CREATE DATABASE x;', 'line 1', 'could not resume'],
    ["ALTER SYSTEM SET work_mem = '1GB';", 'line 1', 'could not resume'],
    ['DISCARD ALL;', 'line 1', 'DISCARD'],
    ['RESET ALL;', 'line 1', 'RESET ALL'],
    ['COPY a FROM STDIN;', 'line 1', 'COPY has no rows'],
    ['\\set x 1\nSELECT 1;', 'line 1', 'is for another tool'],
    // biome-ignore lint/suspicious/noTemplateCurlyInString: a placeholder of Flyway
    ['\nALTER TABLE ${name} ADD a int;', 'line 2', 'is for another tool'],
    ['-- rehome:batches key=id\nINSERT INTO a VALUES (1);', 'line 1', 'no UPDATE and no DELETE'],
    ['BEGIN;\n-- rehome:batches key=id\nDELETE FROM a;\nCOMMIT;', 'line 2', 'one transaction'],
    ['-- rehome:batches size=3\nDELETE FROM a;', 'line 1', 'names no key'],
    ['-- rehome:batches key=id size=0\nDELETE FROM a;', 'line 1', 'from 1 to 100000'],
    ['-- rehome:batches key=id\nDELETE FROM a RETURNING id;', 'line 1', 'RETURNING'],
    [
      '-- rehome:batches key=id\nUPDATE a SET b = 1, id = id + 9;',
      'line 1',
      'changes the key "id"',
    ],
    ['-- rehome:batches key=t,"N"\nUPDATE a SET (b, t) = (1, 2);', 'line 1', 'changes the key "t"'],
    [
      '-- rehome:batches key=id\nWITH w AS (INSERT INTO l VALUES (1)) UPDATE a SET b = 1;',
      'line 1',
      'its WITH changes rows',
    ],
    [
      '-- rehome:batches key=id\nWITH r AS (SELECT 1), w AS (DELETE FROM l) DELETE FROM a;',
      'line 1',
      'its WITH changes rows',
    ],
    ['SELECT 1;\n-- rehome:batches key=id', 'line 2', 'no statement follows'],
  ])('with %j is refused', async (text, line, reason) => {
    const refused = { code: 'PREFLIGHT_FAILED', message: expect.stringContaining(reason) }
    await expect(kindsIn(text)).rejects.toMatchObject(refused)
    await expect(kindsIn(text)).rejects.toThrow(line)
  })
})
