// A row counts as different where every look at its table has found it so.
import { expect, test } from 'vitest'
import type { TableComparison } from '../../src/comparison/compare.ts'
import { inBothLooks } from '../../src/follow/by-feed/feed-verification.ts'

function look(keys: string[], change: Partial<TableComparison> = {}): TableComparison {
  const named = keys.map((key) => ({ key, is: 'missing' as const }))
  const sizes = { expected: 9, found: 9, differing: keys.length, equal: keys.length === 0 }
  return { table: 'notes', digest: '', notCompared: [], ...sizes, keys: named, ...change }
}

const misread = (...keys: string[]) => keys.map((key) => ({ key, is: 'different' as const }))

test('rows that only one look has found are settled', () => {
  expect(inBothLooks(look(['a', 'b']), look(['c']))).toMatchObject({ equal: true, differing: 0 })
})

test('a row that both looks have found is a difference, however it differs', () => {
  const later = look(['a'], { keys: [{ key: 'a', is: 'extra' }] })
  const found = inBothLooks(later, look(['a', 'b']))
  expect(found).toMatchObject({ equal: false, differing: 1, keys: [{ key: 'a', is: 'extra' }] })
})

test('the first look stands as it is', () => {
  expect(inBothLooks(look(['a']), undefined)).toEqual(look(['a']))
})

test('a look that could not name every row settles none', () => {
  const many = look(['a'], { differing: 20_001 })
  expect(inBothLooks(many, look(['c']))).toEqual(many)
  expect(inBothLooks(look(['a']), many)).toEqual(look(['a']))
})

test('the same holds for rows that were not read as they are', () => {
  const now = look([], { equal: false, misread: misread('a', 'b') })
  const before = look([], { equal: false, misread: misread('b') })
  expect(inBothLooks(now, before)).toMatchObject({ equal: false, misread: misread('b') })
  expect(inBothLooks(now, look(['x']))).toMatchObject({ equal: true })
})
