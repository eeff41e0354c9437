// Holds of a new run: those of tenants with equal windows are found once.
import { expect, test } from 'vitest'
import { holdsFor } from '../../../src/coordinator/run-holds.ts'
import { checkPlan } from '../../../src/plan/check-plan.ts'
import { smallPlan } from '../../helpers/small-plan.ts'

const nights = { opens: '0 2 * * *', for: '3h' }
const sundays = { opens: '0 0 * * 0', for: '1d' }

test('tenants with equal windows share one hold, and each other window has its own', async () => {
  const windows = (tenant: string) => (tenant === 'c' ? sundays : { ...nights })
  for (const field of [nights, windows]) {
    const holds = holdsFor(checkPlan(smallPlan({ windows: field })), {})
    const [a, b, c] = [await holds.of('a'), await holds.of('b'), await holds.of('c')]
    expect(b).toBe(a)
    expect(c === a).toBe(field === nights)
    for (const hold of [a, b, c]) holds.count(hold)
    expect(holds.summary()?.windows?.tenants).toBe(3)
  }
})

test('a plan without windows and moments holds nothing', async () => {
  const holds = holdsFor(checkPlan(smallPlan({})), {})
  expect([await holds.of('a'), holds.summary(), holds.arePerTenant]).toEqual([
    undefined,
    null,
    false,
  ])
})
