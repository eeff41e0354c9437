// Authors of plans find out whether their inverse is one before they need it.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { table } from '../../src/plan/plan.ts'
import { gather, stream } from '../../src/plan/stream.ts'
import { expectRoundTrip } from '../../src/testing/round-trip.ts'

interface Price {
  id: bigint
  cents: number
  internal: string
}

interface Split {
  key: bigint
  whole: number
  rest: number
}

const rows = fc.record({ id: fc.bigInt(), cents: fc.nat(), internal: fc.string() })
const columns = { drop: ['internal'], rename: { id: 'key' } }
const split = ({ key, cents }: { key: bigint; cents: number }): Split => {
  return { key, whole: Math.floor(cents / 100), rest: cents % 100 }
}

test('an inverse that is one holds for every row', () => {
  const right = table<{ key: bigint; cents: number }, Split>('prices', {
    columns,
    transform: split,
    invert: ({ key, whole, rest }) => ({ id: key, cents: 100 * whole + rest }) as never,
  })
  expectRoundTrip<Price>(right, { rows })
})

test('one that loses something is shown a row that tells', () => {
  const wrong = table<{ key: bigint; cents: number }, Split>('prices', {
    columns,
    transform: split,
    invert: ({ key, whole }) => ({ id: key, cents: 100 * whole }) as never,
  })
  expect(() => expectRoundTrip<Price>(wrong, { rows })).toThrow(/Counterexample: .*cents":\d/)
  const none = table('prices')
  expect(() => expectRoundTrip<Price>(none, { rows })).toThrow('has no `invert`')
})

test('a stream from one table into one has an inverse, too, and others are named', () => {
  const options = {
    from: 'prices',
    to: ['parts'] as const,
    transform: (row: { key: bigint; cents: number }) => ({ parts: split(row) }),
  }
  const back = ({ key, whole, rest }: Split) => ({ key, cents: 100 * whole + rest })
  const prices = fc.record({ key: fc.bigInt(), cents: fc.nat() })
  expectRoundTrip(stream('split', { ...options, invert: back }), { rows: prices })
  const lossy = stream('split', {
    ...options,
    invert: (row: Split) => ({ ...back(row), cents: 0 }),
  })
  expect(() => expectRoundTrip(lossy, { rows: prices })).toThrow(/Counterexample: .*cents":\d/)
  const none = stream('split', options)
  expect(() => expectRoundTrip(none, { rows: prices })).toThrow('stream "split" has no `invert`')
  const many = { ...gather('all', { ...options, by: 'key', transform: () => null }), invert: back }
  expect(() => expectRoundTrip(many as never, { rows: prices })).toThrow(/a stream from one table/)
})
