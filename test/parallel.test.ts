import { setTimeout as delay } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { allOf, begun, inParallel } from '../src/parallel.ts'

const never = new AbortController().signal

test('work begins in order, as much at once as is allowed', async () => {
  const begun: number[] = []
  let [now, most] = [0, 0]
  await inParallel([1, 2, 3, 4, 5], { limit: 2, signal: never }, async (item) => {
    begun.push(item)
    now += 1
    most = Math.max(most, now)
    await delay(item === 1 ? 30 : 5)
    now -= 1
  })
  expect({ begun, most }).toEqual({ begun: [1, 2, 3, 4, 5], most: 2 })
})

test('a failure stops the others, and is thrown when they have stopped', async () => {
  const ended: string[] = []
  const work = async (item: string, signal: AbortSignal) => {
    if (item === 'bad') throw new Error('this one')
    await delay(10_000, undefined, { signal }).catch(() => {})
    await delay(20)
    ended.push(item)
    throw new Error('a consequence')
  }
  const all = inParallel(['slow', 'bad', 'later'], { limit: 2, signal: never }, work)
  await expect(all).rejects.toThrow('this one')
  expect(ended).toEqual(['slow'])
})

test('what is called off begins nothing more', async () => {
  const controller = new AbortController()
  const begun: number[] = []
  const all = inParallel([1, 2, 3], { limit: 1, signal: controller.signal }, async (item) => {
    begun.push(item)
    controller.abort(new Error('called off'))
  })
  await expect(all).rejects.toThrow('called off')
  expect(begun).toEqual([1])
})

test('of several failures the first in the list is thrown, when all have ended', async () => {
  const ended: string[] = []
  const fail = async (name: string, ms: number) => {
    await delay(ms)
    ended.push(name)
    throw new Error(name)
  }
  const all = allOf([Promise.resolve(1), fail('first', 20), fail('second', 0)])
  await expect(all).rejects.toThrow('first')
  expect(ended).toEqual(['second', 'first'])
  expect(await allOf([Promise.resolve(1), 'two', null])).toEqual([1, 'two', null])
})

test('items that have begun are the same, and the first is made before any is asked for', async () => {
  let made = 0
  async function* numbers() {
    for (; made < 3; ) {
      made += 1
      yield made
    }
  }
  const early = await begun(numbers())
  expect(made).toBe(1)
  const all: number[] = []
  for await (const item of early) all.push(item)
  expect(all).toEqual([1, 2, 3])
})
