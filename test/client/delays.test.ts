// When a job that has stepped aside comes back.
import { expect, test } from 'vitest'
import { delayOf } from '../../src/client/jobs.ts'

const fence = { mode: 'read_only', reason: 'test', movedTo: null } as never as Parameters<
  typeof delayOf
>[0]

test.each([
  ['for a few seconds', { indefinite: false, retryAfterS: 7 }, 7_000],
  ['for less than a second', { indefinite: false, retryAfterS: 0 }, 1_000],
  ['for a minute', { indefinite: false, retryAfterS: 60 }, 10_000],
  ['until a person ends it', { indefinite: true, retryAfterS: 60 }, 10_000],
])('a job that is refused %s comes back soon after writes are let in', (_, told, leastMs) => {
  const delays = Array.from({ length: 50 }, () => delayOf({ ...fence, ...told }))
  expect(Math.min(...delays)).toBeGreaterThanOrEqual(leastMs)
  expect(Math.max(...delays)).toBeLessThanOrEqual(leastMs * 1.2)
  expect(new Set(delays).size).toBeGreaterThan(1)
})
