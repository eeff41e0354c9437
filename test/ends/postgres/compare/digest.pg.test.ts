// What a digest sees: every difference of two sets of rows, and nothing else.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { differingBuckets, hashFunctions, sameDigest } from '../../../../src/ends/digest.ts'
import {
  type DigestSpec,
  digestBuckets,
  digestRows,
  hashesOf,
} from '../../../../src/ends/postgres/compare/row-digests.ts'
import { createDatabase, type TestDatabase } from '../../../helpers/database.ts'

let database: TestDatabase

beforeAll(async () => {
  database = await createDatabase()
  await database.pool.query(`create collation any_case
    (provider = icu, locale = 'und-u-ks-level2', deterministic = false)`)
})
afterAll(async () => await database[Symbol.asyncDispose]())

const types = {
  id: 'int8',
  title: 'text',
  name: '"varchar"',
  done: 'bool',
  price: 'numeric',
  data: 'jsonb',
  weight: 'float8',
  at: 'timestamptz',
  raw: 'bytea',
} as const

type Row = Partial<Record<keyof typeof types, string | null>>

const first: Row = {
  id: '1',
  title: 'one',
  name: 'uno',
  done: 't',
  price: '1.5',
  data: '{"a": 1.0}',
  weight: '0',
  at: '2024-02-29 12:00:00.000001+00',
  raw: '\\x00ff',
}
const second: Row = { ...first, id: '2', title: 'two', name: 'dos', done: 'f', price: '2.5' }

function specOf(rows: readonly Row[], hash: DigestSpec['hash'], collation = 'C'): DigestSpec {
  const names = Object.keys(types) as (keyof typeof types)[]
  const value = (name: (typeof names)[number]) => {
    const typeSql = `pg_catalog.${types[name]}`
    const collate = name === 'title' ? ` collate "${collation}"` : ''
    return { sql: `(r.${name}::${typeSql}${collate})`, typeSql }
  }
  return {
    rows: `from jsonb_to_recordset($1::jsonb) r (${names.map((name) => `${name} text`).join(', ')})`,
    key: [value('id')],
    columns: names.map(value),
    hash,
    parameters: [JSON.stringify(rows)],
  }
}

async function equal(left: DigestSpec, right: DigestSpec): Promise<boolean> {
  const { pool } = database
  return sameDigest(await digestRows(pool, left), await digestRows(pool, right))
}

describe.each(hashFunctions)('a digest by %s', (hash) => {
  test('is the same in any order', async () => {
    expect(await equal(specOf([first, second], hash), specOf([second, first], hash))).toBe(true)
  })

  test.each([
    ['a row is missing', [first]],
    ['a row is there twice', [first, second, second]],
    [
      'two rows exchange a value',
      [
        { ...first, title: 'two' },
        { ...second, title: 'one' },
      ],
    ],
    ['columns exchange their values', [{ ...first, title: 'uno', name: 'one' }, second]],
    ['a microsecond is lost', [{ ...first, at: '2024-02-29 12:00:00+00' }, second]],
    [
      'NULL is an empty text',
      [
        { ...first, title: '' },
        { ...second, title: null },
      ],
    ],
    ['a number has another scale', [{ ...first, price: '1.50' }, second]],
    ['a number in JSON has another scale', [{ ...first, data: '{"a": 1}' }, second]],
    ['zero is negative', [{ ...first, weight: '-0' }, second]],
    ['a byte differs', [{ ...first, raw: '\\x01ff' }, second]],
    ['a letter is larger', [{ ...first, title: 'One' }, second]],
  ] as const)('is another one where %s', async (_, rows) => {
    const nulls = rows.some((row) => row.title === null)
    const before = nulls
      ? [
          { ...first, title: null },
          { ...second, title: '' },
        ]
      : [first, second]
    expect(await equal(specOf(before, hash, 'any_case'), specOf(rows, hash, 'any_case'))).toBe(
      false,
    )
  })

  test('sees any exchange of values, whatever they are', async () => {
    for (let i = 0; i < 40; i += 1) {
      const [one, two] = [`some ${i}`, `other ${i * 7}`]
      const before = [
        { ...first, title: one },
        { ...second, title: two },
      ]
      const after = [
        { ...first, title: two },
        { ...second, title: one },
      ]
      expect([i, await equal(specOf(before, hash), specOf(after, hash))]).toEqual([i, false])
    }
  })

  test('leads to the keys by buckets', async () => {
    const many = Array.from({ length: 50 }, (_, i) => ({ ...first, id: String(i) }))
    const left = specOf(many, hash)
    const right = specOf([{ ...first, id: '0', done: 'f' }, ...many.slice(1)], hash)
    const { pool } = database
    const buckets = differingBuckets(
      await digestBuckets(pool, left),
      await digestBuckets(pool, right),
    )
    expect(buckets).toHaveLength(1)
    const [here, there] = [
      await hashesOf(pool, left, buckets),
      await hashesOf(pool, right, buckets),
    ]
    const differing = [...here].filter(([key, found]) => there.get(key) !== found)
    expect(differing.map(([key]) => key)).toEqual(['(0)'])
  })
})
