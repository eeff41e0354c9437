// Waves that depend on the order of tenants or on facts, and the plan's order.
import { describe, expect, test } from 'vitest'
import { checkPlan, fingerprintOf } from '../../src/plan/check-plan.ts'
import type { Facts } from '../../src/plan/facts.ts'
import type { PlanInput } from '../../src/plan/plan.ts'
import type { Wave } from '../../src/plan/waves.ts'
import { scheduled } from '../helpers/scheduled.ts'
import { smallPlan } from '../helpers/small-plan.ts'

const facts: Readonly<Record<string, Facts>> = {
  a: { rows: 30, risk: 'high' },
  b: { rows: 4, risk: 'low' },
  c: { rows: 200, risk: 'low' },
  d: { risk: null },
  e: { rows: 4, risk: 'high' },
}
function tenantsIn(waves: readonly Wave[], tenants: readonly string[]) {
  const viewOf = (tenant: string) => ({ percentile: 50, facts: facts[tenant] ?? {} })
  return scheduled(waves, tenants, viewOf).map(({ wave, tenants }) => [wave.name, tenants])
}

test('waves take tenants by facts, by number, and by name', () => {
  const waves: Wave[] = [
    { where: 'risk = low and rows < 100' },
    { tenants: ['e', 'elsewhere'] },
    { first: 2 },
    { where: 'risk = none' },
    { rest: true },
  ]
  expect(tenantsIn(waves, ['c', 'd', 'a', 'b', 'e'])).toEqual([
    ['risk = low and rows < 100', ['b']],
    ['named', ['e']],
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
