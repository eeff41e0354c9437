/** Digests, held against those that are made here of the rows that were read. */
import { hashFunctions } from '../../src/ends/digest.ts'
import type { Texts } from '../../src/ends/tenant-rows.ts'
import { asText, bucketOf, digestOf, hashOf, rowText } from '../md5.ts'
import { expectSame, expectThat, type Point, Skipped } from '../point.ts'
import type { Subject } from '../subject.ts'
import { keyOf, namesOf, rowsOf, type Table, tablesWithRows, valuesOf } from '../tables.ts'

const needs = ['pages.once', 'description.md5']

export const digestPoints: readonly Point[] = [
  {
    name: 'digests.md5',
    says: 'number and sum are those of the rows that were read',
    needs,
    check: eachTable(async (end, { request, texts, name }) => {
      expectSame(await end.ask('digest', request), digestOf(texts), `"${name}"`)
    }),
  },
  {
    name: 'digests.column',
    says: 'the same for one column, and for columns in another order',
    needs,
    check: eachTable(async (end, { table, request, texts, name }) => {
      const names = namesOf(table)
      for (const some of [names.slice(0, 1), names.toReversed()]) {
        const columns = some.map((column) => comparedOf(table, column))
        const rows = texts.map((row) => valuesOf(table, row, some))
        expectSame(await end.ask('digest', { ...request, columns }), digestOf(rows), `"${name}"`)
      }
    }),
  },
  {
    name: 'digests.buckets',
    says: 'buckets are chosen by the key, have the digests of their rows, and none is empty',
    needs,
    check: eachTable(async (end, { request, texts, keys, name }) => {
      const buckets = new Set(keys.map(bucketOf))
      const wanted = [...buckets].map((bucket) => {
        return { bucket, ...digestOf(texts.filter((_, i) => bucketOf(keys[i] ?? []) === bucket)) }
      })
      const byBucket = (a: { bucket: number }, b: { bucket: number }) => a.bucket - b.bucket
      const found = (await end.ask('buckets', request)).map(({ bucket, rows, sum }) => {
        return { bucket, rows, sum }
      })
      expectSame(found.sort(byBucket), wanted.sort(byBucket), `"${name}"`)
    }),
  },
  {
    name: 'digests.hashes',
    says: 'keys and hashes are those of the rows of the buckets that were asked for',
    needs,
    check: eachTable(async (end, { request, texts, keys, name }) => {
      const all = [...new Set(keys.map(bucketOf))]
      const buckets = all.slice(0, Math.ceil(all.length / 2))
      const wanted = keys.flatMap((key, i) => {
        const isAsked = buckets.includes(bucketOf(key))
        return isAsked ? [[rowText(key), String(hashOf(rowText(texts[i] ?? [])))]] : []
      })
      const found = await end.ask('hashes', { ...request, buckets })
      expectSame(found.sort(), wanted.sort(), `"${name}"`)
      expectSame(await end.ask('hashes', { ...request, buckets: [] }), [], 'of no bucket')
    }),
  },
  {
    name: 'digests.given',
    says: 'rows that are nowhere are hashed in the same way, awkward texts too',
    needs,
    check: given,
  },
  {
    name: 'digests.others',
    says: 'by every hash function that the end offers, buckets add up to the digest',
    needs,
    check: eachTable(async (end, { request, texts, name }) => {
      const { digestProbes } = await end.describe()
      for (const hash of hashFunctions.filter((one) => digestProbes[one] !== undefined)) {
        const { rows, sum } = await end.ask('digest', { ...request, hash })
        const buckets = await end.ask('buckets', { ...request, hash })
        const added = (of: 'rows' | 'sum') =>
          String(buckets.reduce((total, bucket) => total + BigInt(bucket[of]), 0n))
        expectSame([added('rows'), added('sum')], [rows, sum], `"${name}" by ${hash}`)
        expectSame(rows, String(texts.length), `"${name}" by ${hash}: rows`)
      }
    }),
  },
  {
    name: 'digests.empty',
    says: 'without rows both are "0"',
    needs: ['description.md5'],
    async check(end) {
      const { scope, scratch: tenant } = end
      for (const table of (await end.describe()).tables) {
        const request = { ...requestOf(table), scope, tenant }
        expectSame(await end.ask('digest', request), { rows: '0', sum: '0' }, `"${table.name}"`)
        expectSame(await end.ask('buckets', request), [], `"${table.name}": buckets`)
      }
    },
  },
]

interface Looked {
  readonly name: string
  readonly table: Table
  readonly request: ReturnType<typeof requestOf> & { scope: string; tenant: string }
  /** The texts that are hashed. */
  readonly texts: readonly Texts[]
  readonly keys: readonly Texts[]
}

function eachTable(look: (end: Subject, looked: Looked) => Promise<void>) {
  return async (end: Subject) => {
    const { scope, tenant } = end
    for (const table of await tablesWithRows(end)) {
      const rows = await rowsOf(end, { tenant, table, limit: 1_000 })
      const texts = rows.map((row) =>
        row.map((value, i) => asText(table.columns[i]?.typeName ?? '', value)),
      )
      const keys = texts.map((row) => valuesOf(table, row, keyOf(table)))
      const request = { ...requestOf(table), scope, tenant }
      await look(end, { name: table.name, table, request, texts, keys })
    }
  }
}

function requestOf(table: Table) {
  return {
    table: table.name,
    key: keyOf(table).map((column) => comparedOf(table, column)),
    columns: namesOf(table).map((column) => comparedOf(table, column)),
    hash: 'md5' as const,
  }
}

function comparedOf(table: Table, column: string) {
  const { typeName = '', typeSql } = table.columns.find(({ name }) => name === column) ?? {}
  return { column, type: typeSql ?? `pg_catalog.${typeName}`, cast: null }
}

const awkward = [
  ...['', ' ', 'a', 'a b', 'a,b', '(a)', '"', 'a"b', '\\', 'a\\b', '\t', 'a\nb', '\r', '\v', '\f'],
  ...['ä', '🏠', '\u00a0', '\u2003', "'", '{a}', 'null', 'NULL', null],
]

async function given(end: Subject): Promise<void> {
  const [table] = (await end.describe()).tables
  if (!table) throw new Skipped('there is no table')
  const text = (column: string) => ({ column, type: 'pg_catalog.text', cast: null })
  const [first, second] = ['one', 'other'].map(text)
  expectThat(first && second, () => 'two columns')
  const rows = awkward.map((value, i) => [String(i), value])
  for (const some of [rows, ...rows.map((row) => [row])]) {
    const request = { table: table.name, given: some, key: [first], columns: [first, second] }
    const found = await end.ask('digest', { ...request, hash: 'md5' })
    expectSame(found, digestOf(some), `of ${JSON.stringify(some.length > 1 ? 'all' : some)}`)
  }
}
