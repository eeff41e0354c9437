// What an ALTER TABLE of MySQL costs depends on the operation, the version, and the column before.
import { describe, expect, test } from 'vitest'
import { lintTexts } from '../../src/lint/lint.ts'
import { executionOf } from '../../src/lint/mysql/algorithms.ts'
import { alterationOf } from '../../src/lint/mysql/operations.ts'
import { parseMysql } from '../../src/lint/mysql/tokens.ts'

/** `ALGORITHM LOCK`, and `rebuilds` where all rows are written again. */
function costOf(clause: string, version: number, before?: string): string {
  const [statement] = parseMysql(`ALTER TABLE t ${clause}`).statements
  const [operation] = (statement && alterationOf(statement)?.operations) ?? []
  if (!operation) return 'no operation'
  const around = { version, before, addsPrimaryKey: false, ignoresForeignKeys: false }
  const { algorithm, lock, rebuilds } = executionOf(operation, around)
  return [algorithm, lock, ...(rebuilds ? ['rebuilds'] : [])].join(' ')
}

/** `'1','2'`: as many values. */
const digits = (count: number) => Array.from({ length: count }, (_, i) => `'${i + 1}'`).join()

const copies = 'COPY SHARED rebuilds'
const rebuilds = 'INPLACE NONE rebuilds'

describe('by the tables of the manuals', () => {
  test.each([
    // clause, 5.7, 8.0.11, 8.0.28, 8.4
    ['ADD COLUMN a INT', rebuilds, rebuilds, 'INSTANT NONE', 'INSTANT NONE'],
    ['ADD a INT AFTER b', rebuilds, rebuilds, rebuilds, 'INSTANT NONE'],
    ['ADD COLUMN a INT AUTO_INCREMENT', ...Array(4).fill('INPLACE SHARED rebuilds')],
    ['ADD COLUMN a INT AS (b + 1) STORED', copies, copies, copies, copies],
    ['ADD a INT AS (b) VIRTUAL', 'INPLACE NONE', ...Array(3).fill('INSTANT NONE')],
    ['ADD a DATETIME DEFAULT (now())', copies, copies, copies, copies],
    ['DROP COLUMN a', rebuilds, rebuilds, rebuilds, 'INSTANT NONE'],
    ['RENAME COLUMN a TO b', 'INPLACE NONE', 'INPLACE NONE', 'INSTANT NONE', 'INSTANT NONE'],
    ['ALTER a SET DEFAULT 1', 'INPLACE NONE', ...Array(3).fill('INSTANT NONE')],
    ['ADD INDEX i (a)', ...Array(4).fill('INPLACE NONE')],
    ['ADD CONSTRAINT u UNIQUE KEY (a)', ...Array(4).fill('INPLACE NONE')],
    ['ADD FULLTEXT KEY i (a)', ...Array(4).fill('INPLACE SHARED')],
    ['ADD CONSTRAINT PRIMARY KEY (a)', ...Array(4).fill(rebuilds)],
    ['DROP PRIMARY KEY', copies, copies, copies, copies],
    ['ADD CONSTRAINT c FOREIGN KEY (a) REFERENCES u (a)', copies, copies, copies, copies],
    ['DROP FOREIGN KEY c', ...Array(4).fill('INPLACE NONE')],
    ['CONVERT TO CHARACTER SET utf8mb4', copies, copies, copies, copies],
    ['ENGINE = InnoDB', ...Array(4).fill(rebuilds)],
    ['PARTITION BY HASH (a) PARTITIONS 4', copies, copies, copies, copies],
    ['RENAME TO u', 'INPLACE NONE', ...Array(3).fill('INSTANT NONE')],
    ['ADD a INT UNIQUE', ...Array(4).fill(rebuilds)],
    ["ENCRYPTION = 'Y'", copies, copies, copies, copies],
    ['ORDER BY a', copies, copies, copies, copies],
    ['OPTIMIZE PARTITION p', copies, copies, copies, copies],
    ['COALESCE PARTITION 2', ...Array(4).fill('INPLACE SHARED rebuilds')],
    ['ADD PARTITION PARTITIONS 2', ...Array(4).fill('INPLACE SHARED rebuilds')],
    ['ADD PARTITION (PARTITION p VALUES LESS THAN (5))', ...Array(4).fill('INPLACE NONE')],
  ])('%s', (clause, ...expected) => {
    expect([50744, 80011, 80028, 80400].map((version) => costOf(clause, version))).toEqual(expected)
  })

  test.each([
    ['VARCHAR ( 20 )', 'a VARCHAR(60)', 'INPLACE NONE'],
    ['VARCHAR ( 20 )', 'a VARCHAR(80)', copies],
    ['VARCHAR ( 80 )', 'a VARCHAR(200)', 'INPLACE NONE'],
    ['VARCHAR ( 80 )', 'a VARCHAR(70)', copies],
    ['VARCHAR ( 64 ) CHARACTER SET LATIN1', 'a VARCHAR(255)', 'INPLACE NONE'],
    ['VARCHAR ( 64 ) CHARACTER SET LATIN1', 'a VARCHAR(256)', copies],
    ['VARCHAR ( 64 ) CHARACTER SET UTF8', 'a VARCHAR(86)', copies],
    ['VARCHAR ( 64 ) CHARACTER SET GBK', 'a VARCHAR(65)', 'INPLACE NONE'],
    ['VARCHAR ( 64 ) CHARACTER SET GBK', 'a VARCHAR(86)', copies],
    ['VARCHAR ( 64 ) CHARSET LATIN1', 'a VARCHAR(64) CHARACTER SET utf8mb4', copies],
    ["SET ( '1' , '2' , '3' , '4' , '5' , '6' , '7' )", `a SET(${digits(8)})`, 'INSTANT NONE'],
    ["SET ( '1' , '2' , '3' , '4' , '5' , '6' , '7' , '8' )", `a SET(${digits(9)})`, copies],
    ["ENUM ( 'a' , 'b' )", "a ENUM('a','b','c')", 'INSTANT NONE'],
    ["ENUM ( 'a' , 'b' )", "a ENUM('b','a')", copies],
    ['INT', 'a BIGINT', copies],
    ['INT', 'a INT NOT NULL', rebuilds],
    ['INT NOT NULL', 'a INT', rebuilds],
    ["INT COMMENT 'x'", "a INT COMMENT 'y'", 'INPLACE NONE'],
  ])('%s becomes %s', (before, after, expected) => {
    expect(costOf(`MODIFY ${after}`, 80400, before)).toBe(expected)
    expect(costOf(`MODIFY ${after}`, 80400)).toBe(copies)
  })
})

async function codes(...texts: string[]): Promise<string[]> {
  const files = texts.map((text, i) => ({
    path: `${i}.sql`,
    text: `SET lock_wait_timeout = 2;\n${text}`,
  }))
  return (await lintTexts(files, { dialect: 'mysql' })).map(({ code }) => code)
}

describe('statements', () => {
  test.each([
    ['ALTER TABLE t ADD COLUMN a INT, ALGORITHM=INSTANT', []],
    ['ALTER TABLE `a``b`.t ADD a INT, ADD b INT', ['mysql-algorithm-not-stated']],
    ['CREATE INDEX i ON t (a)', ['mysql-algorithm-not-stated', 'mysql-index-delays-replicas']],
    [
      'ALTER TABLE t ADD a INT, LOCK = EXCLUSIVE',
      ['mysql-algorithm-not-stated', 'mysql-lock-stated'],
    ],
    ['/*!50100 ALTER TABLE t DROP PRIMARY KEY */', ['mysql-copies-table']],
    [
      'ALTER TABLE t DROP PRIMARY KEY, ADD PRIMARY KEY (a), ALGORITHM=INPLACE',
      ['mysql-rebuilds-table', 'mysql-rebuilds-table'],
    ],
    [
      'SET foreign_key_checks = 0; ALTER TABLE t ADD FOREIGN KEY (a) REFERENCES u (a), ALGORITHM=INPLACE',
      [],
    ],
    ["UPDATE t SET a = 'x;y' -- where\n", ['mysql-rows-changed-at-once']],
    ["DELETE FROM t WHERE a = 'x'", []],
    ['UPDATE t SET a = 1 LIMIT 1000', []],
    ['CREATE TABLE t (a INT); ALTER TABLE t DROP COLUMN a; DROP TABLE t', []],
    [
      'DELIMITER //\nCREATE PROCEDURE p() BEGIN DROP TABLE t; END//\nDELIMITER ;\nDROP TABLE u;',
      ['mysql-table-dropped'],
    ],
    ['# rehome:allow mysql-table-dropped unused for a year\nDROP TABLE t', []],
    ['-- rehome:allow mysql-table-dropped\nDROP TABLE t', ['allow-comment', 'mysql-table-dropped']],
    ['ALTER TABLE t SOMETHING NEW', ['mysql-copies-table']],
    ['DELETE t FROM t JOIN u ON t.id = u.id', ['mysql-rows-changed-at-once']],
    ['DROP SCHEMA IF EXISTS `d`', ['mysql-database-dropped']],
    [
      'ALTER TABLE t ADD COLUMN (a INT NOT NULL, b INT NOT NULL), ALGORITHM=INSTANT',
      ['mysql-column-without-default', 'mysql-column-without-default'],
    ],
    ['ALTER TABLE t TRUNCATE PARTITION p', []],
    ['ALTER TABLE t DROP PARTITION p', ['mysql-algorithm-not-stated']],
  ])('%j', async (text, found) => {
    expect(await codes(text)).toEqual(found)
  })

  test('of earlier files tell the types of columns', async () => {
    const create = 'CREATE TABLE t (id INT, `a` VARCHAR(20) NOT NULL, PRIMARY KEY (id));'
    const alter = 'ALTER TABLE t MODIFY a VARCHAR(40) NOT NULL, ALGORITHM=INPLACE;'
    expect(await codes(create, alter)).toEqual([])
    expect(await codes(alter)).toEqual(['mysql-copies-table', 'mysql-not-null'])
  })

  test('know the character set of the table', async () => {
    const alter = 'ALTER TABLE t MODIFY a VARCHAR(256), ALGORITHM=INPLACE;'
    const create = 'CREATE TABLE t (id INT, a VARCHAR(64), KEY (a))'
    expect(await codes(create, alter)).toEqual([])
    expect(await codes(`${create} ENGINE=InnoDB DEFAULT CHARSET=latin1`, alter)).toEqual([
      'mysql-copies-table',
    ])
  })

  test('wait for metadata as long as lock_wait_timeout, not innodb_lock_wait_timeout', async () => {
    const text = 'SET innodb_lock_wait_timeout = 2; ALTER TABLE t ADD a INT, ALGORITHM=INSTANT'
    const findings = await lintTexts([{ path: 'a.sql', text }], { dialect: 'mysql' })
    expect(findings.map(({ code }) => code)).toEqual(['mysql-lock-wait-timeout'])
  })

  test('have lines and columns of the file', async () => {
    const text = "-- é 🏠\n\n  SELECT ';';  DROP TABLE t\n;"
    const [finding] = await lintTexts([{ path: 'a.sql', text }], { dialect: 'mysql' })
    expect([finding?.line, finding?.column]).toEqual([3, 16])
  })
})
