// What we make of a value's binary form is what PostgreSQL's own functions make of it, both ways,
// for values of every type that we claim to know.
import { constants } from 'node:buffer'
import fc from 'fast-check'
import { afterAll, describe, expect, test } from 'vitest'
import { createPool } from '../../../src/postgres.ts'
import { ByteWriter } from '../../../src/values/binary/form.ts'
import { binaryForm } from '../../../src/values/binary/forms.ts'
import { codecFor } from '../../../src/values/values.ts'
import { createDatabase } from '../../helpers/database.ts'
import { generated, generatedArray } from '../../helpers/schemas/type-values.ts'

const database = await createDatabase()
const pool = createPool({ url: database.url, name: 'source' })

afterAll(async () => {
  await pool.end()
  await database.drop()
})

const sendOf: Readonly<Record<string, string>> = { text: 'textsend', bool: 'boolsend' }

/** Texts as the server takes them → the text that it writes and the bytes that it sends. */
async function atServer(type: string, texts: readonly string[]) {
  const isArray = type.endsWith('[]')
  const send = isArray ? 'array_send' : (sendOf[type] ?? sender(type))
  const query = `select format('%s', value) as text, ${send}(value) as bytes
    from (select t::${type} as value, n from unnest($1::text[]) with ordinality u(t, n)) v order by n`
  const { rows } = await pool.query(query, [texts])
  return rows as { text: string; bytes: Buffer }[]
}

function sender(type: string): string {
  const underlined = [
    'date',
    'numeric',
    'time',
    'timestamp',
    'timestamptz',
    'uuid',
    'json',
    'jsonb',
  ]
  return `${type}${underlined.includes(type) ? '_' : ''}send`
}

function formOf(typeName: string) {
  const form = binaryForm(typeName)
  if (!form) throw new Error(`no binary form of ${typeName}`)
  return form
}

function write(typeName: string, value: string): Buffer | null {
  const out = new ByteWriter(1)
  return formOf(typeName).write(value, out) ? out.written() : null
}

/** Around it stand other bytes, as in a row. */
function within(bytes: Buffer): [Buffer, number, number] {
  return [Buffer.concat([Buffer.from('ab'), bytes, Buffer.from('cd')]), 2, 2 + bytes.length]
}

/** JavaScript writes doubles another way, of the same value. */
function meaning(typeName: string, value: string): unknown {
  return typeName === 'float8' ? Number(value) : value
}

describe.each(Object.entries(generated))('%s', (type, values) => {
  test('is read and written as PostgreSQL does it', async () => {
    const codec = codecFor({ name: type })
    const form = formOf(type)
    for (const found of await atServer(type, fc.sample(values, { numRuns: 1000, seed: 3 }))) {
      const read = form.text(...within(found.bytes))
      expect(meaning(type, read)).toEqual(meaning(type, found.text))
      if (type !== 'json' && type !== 'jsonb') {
        const value = form.value?.(...within(found.bytes)) ?? codec.decode(read)
        expect(value).toEqual(codec.decode(found.text))
      }
      expect(write(type, found.text)?.toString('hex')).toBe(found.bytes.toString('hex'))
    }
  })

  test('is read and written in arrays', async () => {
    const texts = fc.sample(generatedArray(values), { numRuns: 300, seed: 4 })
    for (const found of await atServer(`${type}[]`, texts)) {
      if (type !== 'float8') {
        expect(formOf(`_${type}`).text(...within(found.bytes))).toBe(found.text)
      }
      expect(write(`_${type}`, found.text)?.toString('hex')).toBe(found.bytes.toString('hex'))
    }
  })
})

test('arrays with bounds of their own are read as they are', async () => {
  const [found] = await atServer('int4[]', ['[0:1][-1:0]={{1,2},{3,NULL}}'])
  expect(formOf('_int4').text(...within(found?.bytes ?? Buffer.alloc(0)))).toBe(found?.text)
  expect(write('_int4', found?.text ?? '')).toBeNull()
})

describe('what only PostgreSQL can read is left to it', () => {
  const unknown: readonly [string, readonly string[]][] = [
    ['int2', ['32768', '-32769', '1e3', '', ' 1']],
    ['int4', ['2147483648', 'x']],
    ['int8', ['9223372036854775808', '-9223372036854775809', '1.0']],
    ['float8', ['', 'one', ' 1']],
    ['numeric', ['1e5', '', '.', '-', '1,5', ' 1', `0.${'1'.repeat(16_384)}`]],
    ['bool', ['yes', 'TRUE', '']],
    ['bytea', ['abc', '\\x1', '\\xgg', '\\001']],
    ['uuid', ['{6f1c7b0e-5d3a-4a43-9f5e-0a4f4c1f9d55}', '6f1c7b0e5d3a4a439f5e0a4f4c1f9d55']],
    ['date', ['2023-02-29', '2023-13-01', '0000-01-01', '1 May 2024', 'today', '5874898-06-03']],
    ['time', ['24:00:00', '12:60:00', '12:00', '12:00:00+00']],
    ['timestamp', ['2024-02-30 00:00:00', '2024-01-01', '294277-01-01 00:00:00', 'now']],
    ['timestamptz', ['2024-01-01 00:00:00', '2024-01-01 00:00:00+01', '2024-01-01T25:00:00Z']],
    ['_int4', ['{{1,2},{3},{4,5,6}}', '{1,x}', '{{1},{2,3}}', '{{}}', '[1:1]={1}']],
  ]
  test.each(unknown)('%s', (type, texts) => {
    for (const value of texts) expect([value, write(type, value)]).toEqual([value, null])
  })

  test('but a JavaScript date is known', async () => {
    const given = new Date(Date.UTC(2024, 1, 29, 12, 34, 56, 789)).toISOString()
    const [found] = await atServer('timestamptz', [given])
    expect(write('timestamptz', given)).toEqual(found?.bytes)
  })
})

test('a text that is no UTF-8 is refused, and one that holds U+FFFD is not', () => {
  const { text: read } = formOf('text')
  expect(read(...within(Buffer.from('a\ufffdb')))).toBe('a\ufffdb')
  expect(() => read(...within(Buffer.from([0x61, 0xff])))).toThrow('not valid UTF-8')
})

test('a text that is longer than JavaScript can hold is refused with its length', () => {
  const bytes = Buffer.alloc(constants.MAX_STRING_LENGTH + 1, 'a')
  const read = () => formOf('text').text(bytes, 0, bytes.length)
  expect(read).toThrow(`a value has ${bytes.length} bytes, and JavaScript's longest text has`)
})
