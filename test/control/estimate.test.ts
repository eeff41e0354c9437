// The estimate of a run's end, on numbers.
import { expect, test } from 'vitest'
import { estimateOf } from '../../src/control/estimate.ts'

test('estimates the time left from the rate of ends, with a range that narrows with their number', () => {
  const few = estimateOf({ remaining: 100, ended: 10, rows: 500, windowMs: 60_000 })
  expect(few.tenantsPerMinute).toBe(10)
  expect(few.rowsPerSecond).toBeCloseTo(8.33, 2)
  expect(few.left).toMatchObject({ ms: 600_000, fromMs: 370_415, toMs: 1_578_143 })
  const many = estimateOf({ remaining: 100, ended: 1000, rows: 0, windowMs: 6_000_000 })
  const width = ({ left }: typeof few) => (left?.toMs ?? 0) - (left?.fromMs ?? 0)
  expect(many.left?.ms).toBe(600_000)
  expect(width(many)).toBeLessThan(width(few) / 10)
})

test('says nothing while fewer than five have ended, and nothing is left at the end', () => {
  const nothing = { tenantsPerMinute: null, rowsPerSecond: null, left: null }
  expect(estimateOf({ remaining: 9, ended: 4, rows: 1, windowMs: 60_000 })).toEqual(nothing)
  expect(estimateOf({ remaining: 9, ended: 9, rows: 1, windowMs: 10 })).toEqual(nothing)
  expect(estimateOf({ remaining: 0, ended: 50, rows: 1, windowMs: 60_000 }).left).toBeNull()
})
