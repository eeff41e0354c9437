// The row that a transform is given looks and behaves like a plain object, and reads only what it
// is asked for.
import { describe, expect, test } from 'vitest'
import { lazyRowOf, untouched } from '../../src/values/lazy-row.ts'

const names = ['id', 'name', 'settings']

/** Its source stands on `values`, and remembers what it was asked for. */
function lazyRow(columns: readonly string[] = names) {
  const asked: number[] = []
  let values: readonly unknown[] = []
  const value = (index: number) => {
    asked.push(index)
    return values[index]
  }
  const lazy = lazyRowOf(columns)
  const source = { value, text: (index: number) => String(values[index]) }
  const begin = (...next: unknown[]) => {
    values = next
    asked.length = 0
    return lazy.begin(source)
  }
  const left = () => {
    const found: unknown[] = []
    lazy.visit(columns, { settle: (value) => void found.push(value) })
    return found
  }
  return { lazy, asked, begin, left }
}

test('a row is a plain object, whatever its columns are called', () => {
  const { begin } = lazyRow(['id', '__proto__', 'constructor', 'toString', '1', 'ü'])
  const row = begin(1, 2, 3, 4, null, 6)
  expect(Object.getPrototypeOf(row)).toBe(Object.prototype)
  const copy = Object.entries({ ...row }).map(([name, value]) => `${name}=${value}`)
  expect(copy).toEqual('1=null id=1 __proto__=2 constructor=3 toString=4 ü=6'.split(' '))
})

test('a column is read when it is asked for, and once', () => {
  const { begin, asked, left } = lazyRow()
  const row = begin(1, 'a', {})
  expect(asked).toEqual([])
  expect([row.name, row.name]).toEqual(['a', 'a'])
  expect(left()).toEqual([untouched, 'a', untouched])
  expect(asked).toEqual([1])
})

test('a row that is read at once is one of its own', () => {
  const lazy = lazyRowOf(['id', '__proto__'])
  const source = { value: (index: number) => index + 1, text: String }
  const row = lazy.beginRead(source)
  expect(Object.entries(row)).toEqual([
    ['id', 1],
    ['__proto__', 2],
  ])
  expect(lazy.isAllRead()).toBe(true)
  row.id = 7
  const found: unknown[] = []
  lazy.visit(['__proto__', 'id'], { settle: (value) => void found.push(value) })
  expect(found).toEqual([2, 7])
  expect(lazy.beginRead(source)).not.toBe(row)
  expect({ ...lazy.begin(source) }.id).toBe(1)
})

test('what is set is read back, and what it was is still known', () => {
  const { begin, lazy, left } = lazyRow()
  const row = begin(1, 'a', {})
  row.name = 'b'
  expect(row.name).toBe('b')
  expect(left()).toEqual([untouched, 'b', untouched])
  expect(lazy.original(1)).toBe('a')
})

test('a row knows nothing of the row before', () => {
  const { begin } = lazyRow()
  Object.assign(begin(1, 'a', {}), { id: 7, name: 'b' })
  expect({ ...begin(2, 'c', null) }).toEqual({ id: 2, name: 'c', settings: null })
})

describe('what a transform does to the object itself ends with the row', () => {
  type Row = Record<string, unknown>
  const last = { settings: 5 }
  const changes: [what: string, change: (row: Row) => unknown, left: unknown[]][] = [
    ['a column is deleted', (row) => delete row.name, [untouched, undefined, untouched]],
    [
      'the last one is deleted and set',
      (row) => delete row.settings && Object.assign(row, last),
      [untouched, untouched, 5],
    ],
    ['one is added', (row) => Object.assign(row, { more: 1 }), [untouched, untouched, untouched]],
    [
      'one is added for another',
      (row) => delete row.settings && Object.assign(row, { more: 1 }),
      [untouched, untouched, undefined],
    ],
    [
      'one is redefined',
      (row) => Object.defineProperty(row, 'name', { value: 'fixed' }),
      [untouched, 'fixed', untouched],
    ],
    ['it is frozen', (row) => Object.freeze(row), [untouched, untouched, untouched]],
  ]
  test.each(changes)('%s', (_, change, found) => {
    for (const visit of [true, false]) {
      const { begin, left } = lazyRow()
      const row = begin(1, 'a', {})
      change(row)
      if (visit) expect(left()).toEqual(found)
      const next = begin(2, 'b', null)
      expect({ ...next }).toEqual({ id: 2, name: 'b', settings: null })
      expect(left()).toEqual([2, 'b', null])
    }
  })
})
