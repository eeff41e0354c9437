// The row that a transform is given looks and behaves like a plain object, and reads only what it
// is asked for.
import { describe, expect, test } from 'vitest'
import { createLazyRow } from '../../../src/endpoints/sql/lazy-row.ts'

const names = ['id', 'name', 'settings']

/** Its source stands on `values`, and remembers what it was asked for. */
function lazyRow(columns: readonly string[] = names) {
  const asked: number[] = []
  let values: readonly unknown[] = []
  const value = (index: number) => {
    asked.push(index)
    return values[index]
  }
  const lazy = createLazyRow(columns, { value, text: (index) => String(values[index]) })
  const begin = (...next: unknown[]) => {
    values = next
    asked.length = 0
    return lazy.begin()
  }
  return { lazy, asked, begin }
}

test('a row is a plain object, whatever its columns are called', () => {
  const { begin } = lazyRow(['id', '__proto__', 'constructor', 'toString', '1', 'ü'])
  const row = begin(1, 2, 3, 4, null, 6)
  expect(Object.getPrototypeOf(row)).toBe(Object.prototype)
  const copy = Object.entries({ ...row }).map(([name, value]) => `${name}=${value}`)
  expect(copy).toEqual('1=null id=1 __proto__=2 constructor=3 toString=4 ü=6'.split(' '))
})

test('a column is read when it is asked for, and once', () => {
  const { begin, asked, lazy } = lazyRow()
  const row = begin(1, 'a', {})
  expect(asked).toEqual([])
  expect([row.name, row.name]).toEqual(['a', 'a'])
  expect(asked).toEqual([1])
  expect([0, 1, 2].map(lazy.isUntouched)).toEqual([true, false, true])
  expect(lazy.isIntact()).toBe(true)
  expect(asked).toEqual([1])
})

test('what is set is read back, and what it was is still known', () => {
  const { begin, lazy } = lazyRow()
  const row = begin(1, 'a', {})
  row.name = 'b'
  expect(row.name).toBe('b')
  expect(lazy.isUntouched(1)).toBe(false)
  expect(lazy.original(1)).toBe('a')
})

test('a row knows nothing of the row before', () => {
  const { begin, lazy } = lazyRow()
  Object.assign(begin(1, 'a', {}), { id: 7, name: 'b' })
  expect(lazy.isIntact()).toBe(true)
  expect({ ...begin(2, 'c', null) }).toEqual({ id: 2, name: 'c', settings: null })
})

describe('what a transform does to the object itself ends with the row', () => {
  type Row = Record<string, unknown>
  const last = { settings: 5 }
  const changes: [string, (row: Row) => unknown][] = [
    ['a column is deleted', (row) => delete row.name],
    ['the last is deleted and set', (row) => delete row.settings && Object.assign(row, last)],
    ['one is added', (row) => Object.assign(row, { more: 1 })],
    ['one is added for another', (row) => delete row.settings && Object.assign(row, { more: 1 })],
    ['one is redefined', (row) => Object.defineProperty(row, 'name', { value: 'fixed' })],
    ['it is frozen, which makes columns of it that stay', (row) => Object.freeze(row)],
  ]
  test.each(changes)('%s', (what, change) => {
    const { begin, lazy } = lazyRow()
    const row = begin(1, 'a', {})
    change(row)
    expect(lazy.isIntact()).toBe(what.startsWith('it is frozen'))
    const next = begin(2, 'b', null)
    expect({ ...next }).toEqual({ id: 2, name: 'b', settings: null })
    expect(lazy.isIntact()).toBe(true)
  })
})
