// Conditions on facts about tenants: how they are read, and what they compare.
import { expect, test } from 'vitest'
import { checkedFacts, type Facts, parseCondition } from '../../src/plan/facts.ts'

const facts: Facts = { plan: 'free', rows: 900, seen: '2026-03-01', vip: false, none: null }

test.each([
  ['plan = free', true],
  ["plan = 'free'", true],
  ['plan != free', false],
  ['rows < 1000', true],
  // By size, not as texts: "900" is behind "1000".
  ['rows >= 1000', false],
  ['rows <= 900 and rows >= 900', true],
  ["seen >= '2026-02-28' AND plan=free", true],
  ["seen > '2026-03-01'", false],
  ['vip = false', true],
  ['vip = true', false],
  ['none = null', true],
  ['missing = null and plan != null', true],
  // What is absent is neither small nor large.
  ['missing < 1', false],
  ['missing >= 1', false],
  ['missing != 1', true],
  ["plan = 'it''s and more'", false],
])('%s: %s', (condition, expected) => {
  expect(parseCondition(condition).holds(facts)).toBe(expected)
})

test.each([
  '',
  'plan',
  'plan =',
  'plan free',
  'plan = free or rows = 1',
  'a = 1 and',
  'a == 1',
  "a = 'b",
])('the condition "%s" is refused, with an example', (condition) => {
  expect(() => parseCondition(condition)).toThrow(/is no condition: write e\.g\./)
})

test('a condition names its facts once', () => {
  expect(parseCondition('a > 1 and b = 2 and a < 5').facts).toEqual(['a', 'b'])
})

test('what a plan says of a tenant is checked, with its name', () => {
  expect(checkedFacts('t', { a: 1, b: undefined, c: null })).toEqual({ a: 1, c: null })
  for (const wrong of [null, 'text', { a: {} }, { 'a b': 1 }, { a: Number.NaN }, { a: '\0' }]) {
    expect(() => checkedFacts('t', wrong)).toThrow('plan field `facts` for tenant "t"')
  }
})
