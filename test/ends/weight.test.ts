// Rows are held by how large they are: lists and reads are bounded by weight, not by number.
import { expect, test } from 'vitest'
import { byWeight, ReadingPace, weightOf } from '../../src/ends/weight.ts'

const row = (length: number) => ['x'.repeat(length), null]
const own = (texts: readonly (string | null)[]) => texts

test('a list of rows is ended before it becomes too heavy, and a heavy row is alone', () => {
  const rows = [10, 10, 10, 500, 10, 90, 10].map(row)
  const lists = [...byWeight(rows, own, { weightMax: 120 })]
  expect(lists.map((list) => list.map(([text]) => text?.length))).toEqual([
    [10, 10, 10],
    [500],
    [10, 90],
    [10],
  ])
  expect(lists.flat()).toEqual(rows)
})

test('a list of rows is ended at its number of rows, too', () => {
  const rows = Array.from({ length: 7 }, () => row(1))
  expect([...byWeight(rows, own, { rowsMax: 3 })].map(({ length }) => length)).toEqual([3, 3, 1])
  expect([...byWeight([], own)]).toEqual([])
})

test('as many rows are read next as are expected to fit, and one at least', () => {
  const pace = new ReadingPace({ weightMax: 1_000, rowsMax: 100 })
  const steps: number[] = []
  for (let i = 0; i < 6; i += 1) {
    steps.push(pace.next())
    pace.add(Array.from({ length: steps.at(-1) ?? 0 }, () => row(2)))
  }
  expect(steps).toEqual([4, 8, 16, 32, 64, 100])
  expect(pace.next(900)).toBe(10)
  pace.add([row(2_000)])
  expect(pace.next()).toBe(1)
  pace.add(Array.from({ length: 20 }, () => row(100_000)))
  expect(pace.next()).toBe(1)
  expect(pace.next(5_000)).toBe(1)
})

test('NULL has a weight, as it is sent as well', () => {
  expect(weightOf(['ab', null, ''])).toBe(5 + 5 + 3)
})
