// The end of a chaos run: it waits for moves that go on ending, and for no move that does not.
import { expect, test } from 'vitest'
import { untilAtRest } from '../../chaos/rest.ts'

const restMs = { untilNext: 150, untilLast: 600 }

/** A move ends every so many ms, from so many on down to `least`. */
function ending({ count, everyMs, least }: { count: number; everyMs: number; least: number }) {
  const start = performance.now()
  return async () => Math.max(least, count - Math.floor((performance.now() - start) / everyMs))
}

test('moves that end one after the other are waited for', async () => {
  const open = ending({ count: 6, everyMs: 50, least: 0 })
  expect(await untilAtRest(open, restMs)).toBe(true)
})

test('a move that does not end is given up once no other one has ended for a while', async () => {
  const start = performance.now()
  const open = ending({ count: 3, everyMs: 20, least: 1 })
  expect(await untilAtRest(open, restMs)).toBe(false)
  expect(performance.now() - start).toBeLessThan(restMs.untilLast)
})

test('moves that end too slowly are given up', async () => {
  const open = ending({ count: 100, everyMs: 50, least: 0 })
  expect(await untilAtRest(open, restMs)).toBe(false)
})

test('a control database that does not answer is given up', async () => {
  expect(await untilAtRest(async () => null, restMs)).toBe(false)
})
