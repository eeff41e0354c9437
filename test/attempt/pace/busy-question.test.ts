// The plan's own question whether a move gives way: what its answers mean, and that none is waited
// for.
import { setTimeout as delay } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { answerOf, BusyQuestion } from '../../../src/attempt/busy-question.ts'
import type { Ends } from '../../../src/ends/end.ts'
import type { Busy } from '../../../src/plan/timing/pace.ts'

function questionOf(busy: Busy): BusyQuestion {
  const ends = { source: {}, target: {} } as Ends
  return new BusyQuestion({ pace: { busy }, ends, tenant: 'acme' })
}

const { signal } = new AbortController()

test('a question that is never answered keeps no look waiting, and is a reason after 2 s', async () => {
  let calls = 0
  const question = questionOf(() => {
    calls += 1
    return new Promise<boolean>(() => {})
  })
  const began = performance.now()
  expect(await question.reason(signal)).toBeNull()
  expect(performance.now() - began).toBeLessThan(1_000)
  await delay(2_000)
  expect(await question.reason(signal)).toBe('`pace.busy` has not answered within 2000 ms')
  expect(calls).toBe(1)
})

test('an answer at once counts at once, and the next question comes a second later', async () => {
  let calls = 0
  const question = questionOf(() => `answer ${++calls}`)
  expect(await question.reason(signal)).toBe('answer 1')
  expect(await question.reason(signal)).toBe('answer 1')
  await delay(1_010)
  expect(await question.reason(signal)).toBe('answer 2')
})

test('what the end of a stage makes a question answer is no answer', async () => {
  const stage = new AbortController()
  const question = questionOf(({ signal }) => {
    if (signal.aborted) return false
    return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
  })
  const asked = question.reason(stage.signal)
  stage.abort()
  expect(await asked).toBeNull()
  expect(await question.reason(signal)).toBeNull()
})

test('a question that fails is a reason', async () => {
  const question = questionOf(() => Promise.reject(new Error('no such table')))
  expect(await question.reason(signal)).toBe('`pace.busy` failed: no such table')
})

test.each([
  [null, false],
  [undefined, false],
  ['', false],
  ['f', false],
  ['0', false],
  ['off', false],
  ['No', false],
  ['t', true],
  ['1', true],
  ['yes', true],
  ['the nightly report runs', 'the nightly report runs'],
  ['tuesday', 'tuesday'],
])('the value %j of a query is the answer %j', (value, answer) => {
  expect(answerOf(value)).toBe(answer)
})
