// Lists of keys, and what is held of them, are bounded by how large they are.
import { expect, test } from 'vitest'
import { KeySet, keyLists } from '../../src/follow/by-feed/feed-keys.ts'

const mebi = 1024 * 1024

test('no list of keys is heavier than a page', () => {
  const keys = Array.from({ length: 3_000 }, (_, i) => [String(i).padEnd(5_000, '.')])
  const lists = keyLists(['id'], keys)
  expect(lists.flatMap(({ values }) => values)).toEqual(keys)
  for (const { values } of lists) {
    expect(values.length).toBeLessThanOrEqual(1_000)
    expect(JSON.stringify(values).length).toBeLessThan(4.1 * mebi)
  }
})

test('keys that are too heavy to be held are not held', () => {
  const set = new KeySet(['id'])
  for (let i = 0; i < 10_000; i += 1) set.add([String(i).padEnd(5_000, '.')])
  expect([set.isFull, set.values()]).toEqual([true, []])
})
