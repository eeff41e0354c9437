// Rests of a move at ends that show no load, by the plan's own question.
import { setTimeout as delay } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { createPace } from '../../../src/attempt/pace.ts'
import type { Shard } from '../../../src/attempt/shard.ts'
import type { Ends } from '../../../src/ends/end.ts'
import { restAfterRound } from '../../../src/stages/catch-up.ts'

function paceOf(busy: () => boolean) {
  const ends = { source: {}, target: {} } as Ends
  const { signal } = new AbortController()
  const pace = { busy, slowdown: 2, floor: 0.1 }
  return createPace({ pace, ends, tenant: 'acme', signal, onChange: () => {} })
}

async function msOf(work: () => Promise<void>): Promise<number> {
  const began = performance.now()
  await work()
  return performance.now() - began
}

test('after a long piece of work a move rests for as long as its share asks for', async () => {
  const pace = paceOf(() => true)
  await pace.during(async () => {
    await delay(500)
    const restedMs = await msOf(() => pace.rest(200))
    expect(restedMs).toBeGreaterThan(1_600)
    expect(pace.rested()?.restedMs).toBeGreaterThan(1_600)
    expect(await msOf(() => pace.rest(60_000, 100))).toBeLessThan(1_000)
  })
})

test('a rest ends soon after the ends are quiet', async () => {
  let isBusy = true
  const pace = paceOf(() => isBusy)
  await pace.during(async () => {
    await delay(300)
    isBusy = false
    expect(await msOf(() => pace.rest(60_000))).toBeLessThan(6_000)
  })
})

test.each([
  ['the first', [300], true],
  ['each that is shorter', [300, 200], true],
  ['none once one has grown', [300, 400, 200], false],
])('a move rests after %s of its rounds', async (_, took, rests) => {
  const pace = paceOf(() => true)
  await pace.during(async () => {
    await delay(300)
    const restedMs = await msOf(() => restAfterRound({ pace } as unknown as Shard, took))
    if (rests) expect(restedMs).toBeGreaterThan(500)
    else expect(restedMs).toBeLessThan(100)
    expect(restedMs).toBeLessThan(1_400)
  })
})
