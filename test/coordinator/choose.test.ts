// Choosing some tenants of many by a share: stable, nested, and about as large as it says.
import { expect, test } from 'vitest'
import { percentileOf, refuseBadChoice, refuseEmptyShare } from '../../src/coordinator/choose.ts'

const tenants = Array.from({ length: 4_000 }, (_, i) => `tenant ${i}`)
const within = (percent: number, all: readonly string[] = tenants) =>
  all.filter((tenant) => percentileOf(tenant) < percent)

test('a larger share contains every smaller one, in the order of the list', () => {
  const shares = [0.1, 1, 5, 25, 50, 99.9, 100].map((percent) => within(percent))
  for (const [i, share] of shares.entries()) {
    const larger = new Set(shares[i + 1] ?? tenants)
    expect(share.filter((tenant) => !larger.has(tenant))).toEqual([])
    expect(share).toEqual(tenants.filter((tenant) => share.includes(tenant)))
  }
  expect(shares.at(-1)).toEqual(tenants)
})

test('a share stays the same when other tenants come and go', () => {
  const some = tenants.filter((_, i) => i % 3 !== 0)
  expect(within(5, some)).toEqual(within(5).filter((tenant) => some.includes(tenant)))
})

test.each([1, 5, 25, 50])('a share of %d % has about that many tenants', (percent) => {
  const { length } = within(percent)
  const expected = (tenants.length * percent) / 100
  expect(Math.abs(length - expected)).toBeLessThan(4 * Math.sqrt(expected))
})

test('a share that contains no tenant is refused with the smallest one that does', () => {
  const few = tenants.slice(0, 3)
  const least = Math.min(...few.map(percentileOf))
  const refusal = () => refuseEmptyShare({ percent: 0.0001 }, { all: 3, chosen: 0, least })
  expect(refusal).toThrow(/^by their hashes none of 3 tenants is among the first 0.0001 %: choose/)
  const [, percent] = /--percent ([\d.]+)/.exec(String(catchError(refusal))) ?? []
  expect(within(Number(percent), few)).toHaveLength(1)
})

test('no share at all is everybody, and of no tenants none', () => {
  refuseEmptyShare({}, { all: 3, chosen: 0, least: 50 })
  refuseEmptyShare({ percent: 1 }, { all: 0, chosen: 0, least: null })
  refuseEmptyShare({ percent: 1 }, { all: 3, chosen: 1, least: 0.5 })
})

test.each([{ percent: 0 }, { percent: -1 }, { percent: 101 }, { percent: Number.NaN }])(
  'the share %j is refused',
  (choice) => expect(() => refuseBadChoice(choice)).toThrow('is no share'),
)

test.each([{ limit: 0 }, { limit: 1.5 }, { limit: -3 }])('%j is refused', (choice) =>
  expect(() => refuseBadChoice(choice)).toThrow('is too small'),
)

function catchError(work: () => unknown): unknown {
  try {
    return work()
  } catch (error) {
    return error
  }
}
