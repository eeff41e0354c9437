/**
 * Values on their way through JavaScript: from PostgreSQL's text to a transform and back, by type.
 *
 * The first part sends every type through a real server, alone and in arrays; the rest is about
 * what a transform may return. Invariant under test: nothing changes but by the transform.
 */
import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import fc from 'fast-check'
import { from as copyFrom, to as copyTo } from 'pg-copy-streams'
import { afterAll, describe, expect, test } from 'vitest'
import { createPool, withClient } from '../../src/postgres.ts'
import { codecFor, encodeField, type PgType } from '../../src/values/values.ts'
import { createDatabase } from '../helpers/database.ts'
import { formatCopyLine, parseCopyLine } from '../helpers/schemas/copy-lines.ts'

const database = await createDatabase()
// Not the database's own pool: texts depend on the settings that our sessions have.
const pool = createPool({ url: database.url, name: 'source' })
// The types and tables of this test are not qualified.
pool.on('connect', (client) => void client.query('set search_path to public'))
await pool.query(`
  create type mood as enum ('NULL', '', 'null', 'so, so', '{"a"}', E'back\\\\slash', ' ', 'süß 😀');
  create type pair as (a int, b text);
  create domain amount as numeric check (value >= 0)`)

afterAll(async () => {
  await pool.end()
  await database.drop()
})

const words = 'NULL null {} {"a"} , ; " \' \\ \\N \\. 1 t 😀 ü \u00a0 \u2028 \ufeff'.split(' ')
const unit = fc.constantFrom(...words, ...'\t\n\r\v\f\b ', '', 'a b')
const hostile = fc.oneof(
  fc.array(unit, { maxLength: 5 }).map((parts) => parts.join('')),
  fc.string({ unit: 'binary' }).map((value) => value.replaceAll('\0', '')),
)
const hex = fc.uint8Array().map((bytes) => `\\x${Buffer.from(bytes).toString('hex')}`)
/** jsonb takes no U+0000, and JSON's own null is NULL to a transform. */
const json = fc.json({ stringUnit: 'binary' }).filter((t) => t !== 'null' && !t.includes('\\u0000'))
const digits = '1234567890'.repeat(100)
const instants = ['2024-02-29 12:34:56.123456', '0044-03-15 12:00:00 BC', 'infinity', '-infinity']
const limits = ['4714-11-24 00:00:00 BC', '294276-12-31 23:59:59.999999', '0001-01-01 00:00:00']

/** SQL name of a type, its name in pg_type if another, values as SQL texts. */
const types: [sql: string, values: string[] | fc.Arbitrary<string>, name?: string][] = [
  ['int2', ['-32768', '0', '32767']],
  ['int4', ['-2147483648', '2147483647']],
  ['int8', fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String)],
  ['oid', ['0', '4294967295']],
  ['float4', fc.float().map((n) => (Object.is(n, -0) ? '-0' : String(n)))],
  ['float8', fc.double().map((n) => (Object.is(n, -0) ? '-0' : String(n)))],
  ['numeric', ['NaN', 'Infinity', '-Infinity', '1.0', '1.500', `-${digits}.${digits}`, '1e-900']],
  ['amount', ['0.00', '9007199254740993'], 'numeric'],
  ['bool', ['true', 'false']],
  ['text', hostile],
  ['char(9)', ['', ' x', 'null', 'ü😀'], 'bpchar'],
  ['"char"', ['a', '', '\\', 'é'], 'char'],
  ['name', ['a', 'NULL', 'with "quote"']],
  ['uuid', fc.uuid()],
  ['mood', ['NULL', '', 'null', 'so, so', '{"a"}', 'back\\slash', ' ', 'süß 😀']],
  ['pair', ['(1,"a ""b\\\\ {,}")', '(,)', '(,"")']],
  ['bytea', hex],
  ['date', ['2024-02-29', '0044-03-15 BC', 'infinity', '-infinity', '5874897-12-31']],
  ['time', ['00:00:00', '24:00:00', '12:34:56.123456']],
  ['timestamp', [...instants, ...limits]],
  ['timestamptz', [...instants, ...limits]],
  ['interval', ['0', '-1 year 2 mons -3 days +04:05:06.789123', '178000000 years', '-0.000001s']],
  ['jsonb', json],
  ['json', json],
  ['int4range', ['empty', '[1,5)', '(,)', '[1,)']],
  ['box', ['(3,4),(1,2)']],
  ['inet', ['::1', '10.0.0.1/8', '10.0.0.1']],
]

test.each(types)('%s goes through JavaScript and back', async (sql, values, name = sql) => {
  const texts = Array.isArray(values) ? values : fc.sample(values, { numRuns: 200, seed: 3 })
  const input = 'unnest($1::text[]) with ordinality u (x, n)'
  await pool.query(`drop table if exists s, a; create table s (n int, v ${sql})`)
  const rows = `select n, x::${sql} from ${input} union all select 0, null`
  await pool.query(`insert into s ${rows}`, [texts])
  await expectRoundTrip('s', { name })
  await pool.query(`
    create table a as select 1 as n, array_agg(v order by n desc) as v from s;
    insert into a select 2, '{}' union all select 3, array[null::${sql}]`)
  await expectRoundTrip('a', { name: sql === 'amount' ? '_amount' : `_${name}` })
  if (name.startsWith('json')) return
  await pool.query(`
    insert into a select 4, array[array[v[1], null], array[v[2], v[1]]] from a where n = 1;
    insert into a select 5, array[array[array[v[1]], array[v[2]]]] from a where n = 1`)
  await expectRoundTrip('a', { name: '_', elementName: name })
})

/** Decodes and encodes a table into a copy of it; both must come out of the server the same. */
async function expectRoundTrip(table: string, type: PgType): Promise<void> {
  const codec = codecFor(type)
  const lines = await copyOut(`select n, v from ${table} order by n`)
  const copies = lines.map((line) => {
    const [n = null, original = null] = parseCopyLine(line)
    if (original === null) return line
    expect(encodeField(codec, codec.decode(original), original)).toBe(original)
    return formatCopyLine([n, codec.encode(codec.decode(original))])
  })
  await pool.query(`drop table if exists copy; create table copy (like ${table})`)
  await withClient(pool, async (client) => {
    const input = Readable.from([Buffer.from(copies.join(''))])
    await pipeline(input, client.query(copyFrom('copy copy from stdin')))
  })
  // json keeps the blanks between tokens, which JavaScript does not.
  const casts: Record<string, string> = { json: '::jsonb', _json: '::text[]::jsonb[]' }
  const shown = (from: string) =>
    copyOut(`select n, v${casts[type.name] ?? ''} from ${from} order by n`)
  expect(await shown('copy')).toEqual(await shown(table))
}

async function copyOut(query: string): Promise<string[]> {
  const sql = `copy (${query}) to stdout`
  const all = await withClient(pool, (client) => text(client.query(copyTo(sql))))
  return all.match(/[^\n]*\n/g) ?? []
}

const codec = (name: string) => codecFor({ name })

test.each([
  ['int8', '9007199254740993', 9007199254740993n],
  ['bytea', '\\x00ff', Buffer.from([0, 255])],
  ['jsonb', '{"a": [1.0, null]}', { a: [1, null] }],
  ['_int8', '[0:1]={1,NULL}', [1n, null]],
  ['_text', '{{NULL,"NULL",""}}', [[null, 'NULL', '']]],
  ['_bytea', '{"\\\\x01"}', [Buffer.from([1])]],
  ['_jsonb', '{"[1, 2]","\\"x\\"",NULL}', [[1, 2], 'x', null]],
])('%s %s is %o to a transform', (name, original, value) => {
  expect(codec(name).decode(original)).toStrictEqual(value)
})

test('a type that only looks like an array is a text', () => {
  expect(codecFor({ name: '_status', elementName: null }).decode('active')).toBe('active')
})

describe('what a transform may return:', () => {
  test.each([
    ['int4', 7n, '7'],
    ['int4', -0, '0'],
    ['int8', 2 ** 53 - 1, '9007199254740991'],
    ['int8', '-9223372036854775808', '-9223372036854775808'],
    ['float4', -0, '-0'],
    ['float8', Number.NaN, 'NaN'],
    ['numeric', 10n ** 30n, `1${'0'.repeat(30)}`],
    ['numeric', '-.5e-3', '-.5e-3'],
    ['bytea', Uint8Array.of(0, 255).subarray(1), '\\xff'],
    ['json', 'text', '"text"'],
    ['json', { at: new Date(0), gone: undefined }, '{"at":"1970-01-01T00:00:00.000Z"}'],
    ['json', '\ud800', '"\\ud800"'],
    ['jsonb', '\\u0000', '"\\\\u0000"'],
    ['timestamp', new Date('2024-01-02T03:04:05.006Z'), '2024-01-02 03:04:05.006'],
    ['timestamptz', new Date('-000043-03-15T00:00:00Z'), '0044-03-15 00:00:00.000+00 BC'],
    ['date', new Date('+012024-01-02T23:59:59Z'), '12024-01-02'],
    ['_int4', [[1, null]], '{{1,NULL}}'],
    ['_int2', [[[1], [2]]], '{{{1},{2}}}'],
    ['_text', ['', 'null', 'a"\\', ' ', 'ü'], '{"","null","a\\"\\\\"," ",ü}'],
    ['_text', [], '{}'],
    ['_jsonb', [[1], null], '{[1],NULL}'],
  ])('%s takes %o', async (name, value, expected) => {
    expect(encodeField(codec(name), value)).toBe(expected)
    expect(encodeField(codec(name), null, expected)).toBeNull()
    await pool.query(`select $1::text::${name.replace(/^_(.*)/, '$1[]')}`, [expected])
  })

  test('any number, and PostgreSQL reads the same one', async () => {
    for (const [name, all] of Object.entries({ float8: fc.double(), float4: fc.float() })) {
      const numbers = fc.sample(all, { numRuns: 500, seed: 4 })
      const sent = numbers.map((n) => codec(name).encode(n))
      const { rows } = await pool.query(`select $1::text[]::${name}[]::text as read`, [sent])
      const read = codec(`_${name}`).decode(rows[0].read) as number[]
      expect(name === 'float4' ? read.map(Math.fround) : read).toStrictEqual(numbers)
    }
  })

  test('any Date that PostgreSQL knows, and it reads the same millisecond', async () => {
    const [min, max] = [new Date('-004700-01-01'), new Date('+200000-01-01')]
    const dates = fc.sample(fc.date({ min, max, noInvalidDate: true }), { numRuns: 500, seed: 5 })
    for (const name of ['timestamp', 'timestamptz']) {
      const sent = dates.map((date) => codec(name).encode(date))
      const sql = `select extract(epoch from d::${name}) * 1000 as ms from unnest($1::text[]) d`
      const { rows } = await pool.query(sql, [sent])
      expect(rows.map((row) => Number(row.ms))).toEqual(dates.map(Number))
    }
  })
})

test.each([
  ['int2', 32768, 'int2 takes an integer from -32768 to 32767, not the number 32768'],
  ['int4', Number.NaN, 'not the number NaN'],
  ['int4', '1e3', 'not the text "1e3"'],
  ['int8', 2 ** 53, 'not the number 9007199254740992'],
  ['oid', -1, 'from 0 to 4294967295'],
  ['float4', 1e39, 'float4 takes a number of its range, not the number 1e+39'],
  ['float4', 1e-60, 'not the number 1e-60'],
  ['bool', 1, 'bool takes true or false, not the number 1'],
  ['text', undefined, 'not undefined'],
  ['mood', 'a\0b', 'not the text "a\\u0000b"'],
  ['text', 'a\ud800', 'whole characters'],
  ['bytea', 'abc', 'bytea takes a Buffer or Uint8Array'],
  ['timestamptz', new Date(Number.NaN), 'not an invalid Date'],
  ['interval', new Date(0), 'not an object (Date)'],
  ['json', undefined, 'json takes what JSON can hold, not undefined'],
  ['json', { a: [Number.NaN] }, 'not the number NaN'],
  ['json', [new Date(Number.NaN)], 'not an invalid Date'],
  ['json', { a: () => 1 }, 'not a function'],
  ['json', Promise.resolve(1), 'not an object (Promise)'],
  ['jsonb', { a: 'b\0' }, 'strings of whole characters without U+0000'],
  ['_int4', '{1}', '_int4 takes an array, not the text "{1}"'],
  ['_int4', [1, [2]], 'not an array'],
  ['_int4', [[1], [2, 3]], 'arrays of one length in each dimension'],
  ['_int4', [1, undefined], 'not undefined'],
])('%s refuses %o', (name, value, message) => {
  const encode = () => encodeField(codec(name), value)
  expect(encode).toThrow(expect.objectContaining({ code: 'TRANSFORM_FAILED' }))
  expect(encode).toThrow(message)
})

describe('a field that the transform', () => {
  const text = '{"b": 1.0, "a": [12345678901234567890, -0, 1e400]}'

  test('did not touch keeps its text, and so does an equal one', () => {
    const row = JSON.parse(text)
    expect(encodeField(codec('jsonb'), row, text)).toBe(text)
    expect(encodeField(codec('jsonb'), structuredClone({ a: row.a, b: row.b }), text)).toBe(text)
    expect(encodeField(codec('jsonb'), null, 'null')).toBe('null')
    expect(encodeField(codec('float4'), Number.NaN, 'NaN')).toBe('NaN')
    expect(encodeField(codec('_int4'), [1, 2], '[0:1]={1,2}')).toBe('[0:1]={1,2}')
    expect(encodeField(codec('int4'), null, null)).toBeNull()
  })

  test('changed in place is written anew', () => {
    const value = codec('jsonb').decode('{"a": [1.0]}') as { a: number[] }
    value.a.push(2)
    expect(encodeField(codec('jsonb'), value, '{"a": [1.0]}')).toBe('{"a":[1,2]}')
    const bytes = codec('bytea').decode('\\x00') as Buffer
    bytes[0] = 255
    expect(encodeField(codec('bytea'), bytes, '\\x00')).toBe('\\xff')
    expect(encodeField(codec('float8'), 0, '-0')).toBe('0')
    expect(encodeField(codec('float8'), -0, '0')).toBe('-0')
    expect(encodeField(codec('text'), 'x', null)).toBe('x')
  })

  test('changed must not hold numbers that JavaScript rounded on the way', () => {
    const encode = (value: unknown) => encodeField(codec('jsonb'), value, text)
    expect(() => encode({ ...JSON.parse(text), b: 2 })).toThrow('the number 12345678901234567000')
    expect(() => encode([Number.POSITIVE_INFINITY])).toThrow('not the number Infinity')
    expect(encode({ b: 2 })).toBe('{"b":2}')
    const exact = '[12345678901234567000, "\\" 12345678901234567890"]'
    expect(encodeField(codec('jsonb'), [...JSON.parse(exact), 1], exact)).toContain('000,')
    const array = '{"{\\"a\\": 12345678901234567890}","[1]"}'
    expect(encodeField(codec('_jsonb'), codec('_jsonb').decode(array), array)).toBe(array)
    const [first] = codec('_jsonb').decode(array) as unknown[]
    expect(() => encodeField(codec('_jsonb'), [first], array)).toThrow('did not round')
  })

  test('changed is refused exactly where PostgreSQL sees another number', async () => {
    const token = fc.stringMatching(/^-?(0|[1-9]\d{0,24})(\.\d{1,9}0{0,9})?(e[+-]?\d{1,3})?$/)
    const numbers = fc.sample(token, { numRuns: 1000, seed: 6 })
    const sent = numbers.map((n) => JSON.stringify(Number(n)))
    const sql = 'select a::jsonb = b::jsonb as same from unnest($1::text[], $2::text[]) u (a, b)'
    const { rows } = await pool.query(sql, [numbers, sent])
    const encode = (n: string) => () => encodeField(codec('jsonb'), [Number(n), 'new'], `[${n}]`)
    for (const [i, n] of numbers.entries()) {
      if (rows[i].same) expect(encode(n), n).not.toThrow()
      else expect(encode(n), n).toThrow('jsonb takes')
    }
    expect(rows.filter((row) => row.same).length).toBeGreaterThan(100)
  })

  test('changed among JSON arrays is refused where JSON and SQL look alike', () => {
    const encode = (value: unknown) => encodeField(codec('_jsonb'), value, '{{1,2}}')
    expect(encode([[1, 2]])).toBe('{{1,2}}')
    expect(() => encodeField(codec('_jsonb'), [null], '{"null",2}')).toThrow('or JSON nulls')
    expect(() => encode([[1, 3]])).toThrow('_jsonb takes no changes beside inner dimensions')
  })

  test('nested deeper than JavaScript can follow is refused in words', () => {
    const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`
    const encode = () => encodeField(codec('json'), JSON.parse(deep), deep)
    expect(encode).toThrow(expect.objectContaining({ code: 'TRANSFORM_FAILED' }))
  })
})
