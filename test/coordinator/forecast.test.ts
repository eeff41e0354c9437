// Predictions from moves that have ended.
import { describe, expect, test } from 'vitest'
import { forecasterOf, quantile, together } from '../../src/coordinator/fleet/forecast.ts'

const offline = { strategy: 'offline' } as const
const sample = (rows: number, ms: number, pauseMs = ms) => ({ rows, ms, pauseMs })

describe('a forecast', () => {
  test('finds what each move takes and what each row takes', () => {
    const forecaster = forecasterOf([sample(0, 50), sample(1_000, 150), sample(500, 100)], offline)
    expect(forecaster?.of(2_000)?.ms).toBeCloseTo(250)
    expect(forecaster?.of(0)?.ms).toBeCloseTo(50)
  })

  test('says nothing without moves, and nothing of tenants that are far larger', () => {
    expect(forecasterOf([], offline)).toBeNull()
    const forecaster = forecasterOf([sample(10, 5)], offline)
    expect([forecaster?.of(100)?.ms, forecaster?.of(101)]).toEqual([50, null])
  })

  test('never falls with size, and is never negative', () => {
    const falling = forecasterOf([sample(10, 300), sample(20, 100)], offline)
    expect(falling?.of(5)?.ms).toBe(falling?.of(200)?.ms)
    const steep = forecasterOf([sample(100, 10), sample(200, 1_000)], offline)
    expect(steep?.of(1)?.ms).toBeGreaterThan(0)
  })

  test('of an online pause is nearly the longest one, whatever the size', () => {
    const samples = Array.from({ length: 100 }, (_, i) => sample(i, i, i))
    const forecaster = forecasterOf(samples, { strategy: 'online' })
    expect([forecaster?.of(1)?.pauseMs, forecaster?.of(900)?.pauseMs]).toEqual([98, 98])
  })
})

test('tenants together take as long as the largest one, or all of them in turn', () => {
  const of = (ms: number) => ({ rows: 1, predicted: { ms, pauseMs: ms / 10 } })
  expect(together([of(100), of(10), of(10)], 4)).toMatchObject({ ms: 100, pauseMsMax: 10, rows: 3 })
  expect(together([of(100), of(100), of(100)], 2)).toMatchObject({ ms: 150, unknown: 0 })
  const unknown = { rows: 7, predicted: null }
  expect(together([of(10), unknown], 1)).toMatchObject({ ms: 10, rows: 8, unknown: 1 })
  expect(together([unknown], 1)).toMatchObject({ ms: null, pauseMsMax: null, unknown: 1 })
  expect(together([], 1)).toMatchObject({ ms: null, rows: 0 })
})

test('a quantile is a value that occurs', () => {
  expect([quantile([1, 2, 3, 4], 0.5), quantile([5], 0.99), quantile([], 0.5)]).toEqual([2, 5, 0])
})
