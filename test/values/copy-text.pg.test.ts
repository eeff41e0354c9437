/**
 * COPY's text format, with PostgreSQL itself as the judge of what a line means.
 *
 * Types are of no matter here: every column is text.
 */
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import fc from 'fast-check'
import type pg from 'pg'
import { from as copyFrom, to as copyTo } from 'pg-copy-streams'
import { describe, expect, test } from 'vitest'
import { withClient } from '../../src/postgres.ts'
import { createDatabase } from '../helpers/database.ts'
import { formatCopyLine, parseCopyLine } from '../helpers/schemas/copy-lines.ts'

const hostile = fc.constantFrom(
  ...[
    '\\',
    '\\N',
    '\\.',
    '\t',
    '\n',
    '\r',
    '\r\n',
    '\b',
    '\f',
    '\v',
    '',
    'N',
    'x41',
    '101',
    '.',
    '"',
  ],
  ...[
    "'",
    'ü',
    '😀',
    '\u{10ffff}',
    '\ufeff',
    '\u2028',
    '\u0001',
    '\u007f',
    '\u0080',
    'null',
    'NULL',
  ],
)
const text = fc.oneof(
  fc.array(hostile, { maxLength: 8 }).map((parts) => parts.join('')),
  fc.string({ unit: 'binary' }).map((value) => value.replaceAll('\0', '')),
)
const row = fc.array(fc.option(text), { minLength: 1, maxLength: 6 })

test('a row that was written is read back the same', () => {
  fc.assert(
    fc.property(row, (values) => {
      const line = formatCopyLine(values)
      expect(line.indexOf('\n')).toBe(line.length - 1)
      expect(parseCopyLine(line)).toEqual(values)
      expect(parseCopyLine(line.slice(0, -1))).toEqual(values)
      expect(parseCopyLine(Buffer.from(line))).toEqual(values)
    }),
    { numRuns: 2000 },
  )
})

test.each([
  ['\\N', [null]],
  ['', ['']],
  ['\t', ['', '']],
  ['\\\\N', ['\\N']],
  ['a\\N', ['aN']],
  ['\\N\\N', ['NN']],
  ['\\N\t\\N', [null, null]],
  ['\\b\\f\\n\\r\\t\\v\\\\', ['\b\f\n\r\t\v\\']],
  ['\\a\\"\\.', ['a".']],
  ['\\101\\7\\1012\\18', ['A\u0007A2\u00018']],
  ['\\501', ['A']],
  ['\\x41\\x4g\\x411\\xg\\x', ['A\u0004gA1xgx']],
  ['\\303\\274\\xc3\\xbc', ['üü']],
  ['ü\\x41', ['üA']],
  ['\\\\x4142', ['\\x4142']],
  ['a\\\tb\\\\\tc', ['a\tb\\', 'c']],
  ['a\\', ['a']],
  ['\\😀', ['😀']],
  ['a\r', ['a\r']],
])('%j is read as %j', (line, values) => {
  expect(parseCopyLine(line)).toEqual(values)
  expect(parseCopyLine(Buffer.from(line))).toEqual(values)
})

describe('what no text can hold is refused:', () => {
  test.each(['a\0', '\\0', '\\x00', '\\400'])('U+0000, as in %j', (line) => {
    for (const input of [line, Buffer.from(line)]) {
      expect(() => parseCopyLine(input)).toThrow(
        expect.objectContaining({
          code: 'TRANSFORM_FAILED',
          message: expect.stringMatching(/U\+0000/),
        }),
      )
    }
  })

  test('U+0000 in a value to write', () => {
    expect(() => formatCopyLine([null, 'a\0b'])).toThrow(
      expect.objectContaining({
        code: 'TRANSFORM_FAILED',
        message: expect.stringMatching(/U\+0000/),
      }),
    )
  })

  test.each([Buffer.from('a\xe4', 'latin1'), '\\xff', '\\303'])(
    'broken UTF-8, as in %j',
    (line) => {
      expect(() => parseCopyLine(line)).toThrow(
        expect.objectContaining({
          code: 'TRANSFORM_FAILED',
          message: expect.stringMatching(/not valid UTF-8/),
        }),
      )
    },
  )
})

test('PostgreSQL reads what was written, and what it writes is read', async () => {
  await using database = await createDatabase()
  await database.pool.query('create table t (n int, a text, b text)')
  const pairs = fc.sample(fc.tuple(fc.option(text), fc.option(text)), { numRuns: 1000, seed: 1 })
  const rows = pairs.map((pair, n) => [String(n), ...pair])
  await copyIn(database.pool, 'copy t from stdin', rows.map(formatCopyLine).join(''))
  const stored = await database.pool.query('select n::text, a, b from t order by t.n')
  expect(stored.rows.map((r) => [r.n, r.a, r.b])).toEqual(rows)
  const lines = await copyOut(database.pool, 'copy (select * from t order by n) to stdout')
  expect(lines.map((line) => parseCopyLine(line))).toEqual(rows)
  expect(lines.map((line) => formatCopyLine(parseCopyLine(line)))).toEqual(lines)
})

test('every character by itself is read as PostgreSQL wrote it', async () => {
  await using database = await createDatabase()
  const all = `select chr(n) from generate_series(1, 70000) n where n not between 55296 and 57343`
  const lines = await copyOut(database.pool, `copy (${all}) to stdout`)
  const expected = await database.pool.query({ text: all, rowMode: 'array' })
  expect(lines.map((line) => parseCopyLine(line))).toEqual(expected.rows)
  expect(expected.rows.map(formatCopyLine)).toEqual(lines)
})

test('a line of any escapes means to us what it means to PostgreSQL', async () => {
  await using database = await createDatabase()
  await database.pool.query('create table t (a text)')
  const token = fc.constantFrom(
    ...'\\\\\\\\\\btnNx014cC37ag ü😀',
    '\\\t',
    '\\xc3\\xbc',
    '\\303\\274',
  )
  const line = fc
    .array(token, { minLength: 1, maxLength: 12 })
    .map((parts) => parts.join(''))
    // A backslash before the newline would make that a part of the value; COPY TO writes \n.
    .filter((raw) => !/(?<!\\)(?:\\\\)*\\$/.test(raw))
  for (const raw of fc.sample(line, { numRuns: 1000, seed: 2 })) {
    expect(await read(database.pool, raw), raw).toEqual(tryParse(raw))
  }
})

/** The line as PostgreSQL reads it. */
async function read(pool: pg.Pool, line: string): Promise<(string | null)[] | 'refused'> {
  await pool.query('truncate t')
  try {
    await copyIn(pool, 'copy t from stdin', `${line}\n`)
  } catch {
    return 'refused'
  }
  const stored = await pool.query<(string | null)[]>({ text: 'select a from t', rowMode: 'array' })
  return stored.rows[0] ?? 'refused'
}

function tryParse(line: string): (string | null)[] | 'refused' {
  try {
    const fields = parseCopyLine(line)
    return fields.length === 1 ? fields : 'refused'
  } catch {
    return 'refused'
  }
}

async function copyIn(pool: pg.Pool, sql: string, lines: string): Promise<void> {
  await withClient(pool, async (client) => {
    await pipeline(Readable.from([Buffer.from(lines)]), client.query(copyFrom(sql)))
  })
}

async function copyOut(pool: pg.Pool, sql: string): Promise<string[]> {
  const bytes = await withClient(pool, async (client) => await buffer(client.query(copyTo(sql))))
  return bytes.toString().match(/[^\n]*\n/g) ?? []
}
