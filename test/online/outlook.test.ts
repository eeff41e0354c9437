// Rounds of an online move: when another one is worth while, by what those before it have taken.
import { expect, test } from 'vitest'
import { outlookOf } from '../../src/stages/catch-up.ts'

const budgetMs = 300

test.each([
  ['a first round', [5_000], 'shorter'],
  ['rounds that shrink', [5_000, 3_000, 1_000], 'shorter'],
  ['rounds that shrink no more', [5_000, 3_000, 2_900], 'the same'],
  ['short rounds that differ', [10, 40, 160], 'the same'],
  ['one burst', [500, 100, 400], 'shorter'],
  ['a burst that goes on', [500, 400, 800, 1_300], 'worse'],
  ['growth from below the budget', [10, 100, 200, 600], 'shorter'],
  ['growth of which the budget has room for the first', [100, 200, 600, 1_800], 'worse'],
  ['three bursts with shorter rounds in between', [400, 800, 400, 800, 400, 800], 'the same'],
] as const)('%s', (_, took, outlook) => {
  expect(outlookOf(took, budgetMs)).toBe(outlook)
})
