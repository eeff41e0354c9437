// Loops beside a worker's jobs: one round at a time, and none after the end.
import { setTimeout as delay } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { startLoop } from '../../jobs/loop.ts'
import { eventually } from '../helpers/eventually.ts'
import { deferred } from '../helpers/moments/deferred.ts'

test('rounds follow each other, each after the rest that the last one asked for', async () => {
  let rounds = 0
  const end = startLoop(async () => {
    rounds += 1
    return rounds < 3 ? 1 : 600_000
  })
  expect(rounds).toBe(1)
  await eventually(() => expect(rounds).toBe(3))
  await end()
  expect(rounds).toBe(3)
})

test('its end aborts the round that is under way, and waits for it', async () => {
  const round = deferred()
  let rounds = 0
  let signal: AbortSignal | undefined
  const end = startLoop(async (own) => {
    rounds += 1
    signal = own
    await round.promise
    return 0
  })
  let ended = false
  const ending = end().then(() => {
    ended = true
  })
  expect(signal?.aborted).toBe(true)
  await delay(20)
  expect(ended).toBe(false)
  round.resolve()
  await ending
  await delay(20)
  expect(rounds).toBe(1)
})
