// The order in which tenants begin, and the waves that depend on it or on facts.
import { describe, expect, test } from 'vitest'
import { checkPlan, fingerprintOf } from '../../src/plan/check-plan.ts'
import type { Facts } from '../../src/plan/facts.ts'
import type { PlanInput } from '../../src/plan/plan.ts'
import { inOrderListed, inOrderOf } from '../../src/plan/timing/tenant-order.ts'
import { type NamedWave, schedule } from '../../src/plan/waves.ts'
import { smallPlan } from '../helpers/small-plan.ts'

const facts: Readonly<Record<string, Facts>> = {
  a: { rows: 30, risk: 'high' },
  b: { rows: 4, risk: 'low' },
  c: { rows: 200, risk: 'low' },
  d: { risk: null },
  e: { rows: 4, risk: 'high' },
}
const all = Object.keys(facts)
const factsOf = (tenant: string) => facts[tenant] ?? {}

describe('an order', () => {
  test('by a number puts small ones first, equal ones as they were, absent ones last', () => {
    expect(inOrderOf(all, { by: 'rows' }, factsOf)).toEqual(['b', 'e', 'a', 'c', 'd'])
    const falling = { by: 'rows', descending: true } as const
    expect(inOrderOf(all, falling, factsOf)).toEqual(['c', 'a', 'b', 'e', 'd'])
  })

  test('by a text, and by a list that lacks some and names one twice', () => {
    expect(inOrderOf(all, { by: 'risk' }, factsOf)).toEqual(['a', 'e', 'b', 'c', 'd'])
    expect(inOrderListed(all, ['d', 'x', 'b', 'd'])).toEqual(['d', 'b', 'a', 'c', 'e'])
  })
})

function tenantsIn(waves: readonly NamedWave[], tenants: readonly string[]) {
  const { waveOf, waves: kept } = schedule(waves, tenants, { percentileOf: () => 50, factsOf })
  return kept.map((wave, i) => [wave.name, tenants.filter((one) => waveOf(one) === i + 1)])
}

test('waves take tenants by facts, by number, and by what a query has found', () => {
  const waves: NamedWave[] = [
    { where: 'risk = low and rows < 100' },
    { tenants: ['e', 'elsewhere'], isQueried: true },
    { first: 2 },
    { where: 'risk = none' },
    { rest: true },
  ]
  expect(tenantsIn(waves, ['c', 'd', 'a', 'b', 'e'])).toEqual([
    ['risk = low and rows < 100', ['b']],
    ['queried', ['e']],
    ['first 2', ['c', 'd']],
    ['rest', ['a']],
  ])
})

describe('a plan', () => {
  const check = (changes: Partial<PlanInput>) => checkPlan(smallPlan(changes))

  test.each<[changes: object, message: string]>([
    [{ waves: [{ where: 'risk is low' }, { rest: true }] }, 'is no condition'],
    [{ waves: [{ first: 0 }, { rest: true }] }, 'waves.0.first'],
    [{ waves: [{ tenants: { sql: '' } }, { rest: true }] }, 'waves.0.tenants'],
    [{ waves: [{ first: 1, where: 'a = 1' }, { rest: true }] }, 'exactly one of'],
    [{ order: { by: '' } }, 'order'],
    [{ order: { by: 'rows', falling: true } }, 'order'],
    [{ order: 'rows' }, 'order'],
  ])('with %j is refused', (changes, message) => {
    expect(() => check(changes as Partial<PlanInput>)).toThrow(message)
  })

  test('keeps its fingerprint when its order changes', () => {
    expect(fingerprintOf(check({ order: { by: 'rows' } }))).toBe(fingerprintOf(check({})))
  })
})
