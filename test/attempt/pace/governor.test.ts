// The rule by which a move gives way, without an end: looks go in, shares and reasons come out.
import { expect, test } from 'vitest'
import {
  busyReason,
  CommitTimes,
  type EndLoad,
  Governor,
  QuietTimes,
} from '../../../src/attempt/governor.ts'

function afterLooks(looks: readonly boolean[], floor = 0.1): number {
  const governor = new Governor(floor)
  for (const isBusy of looks) governor.look(isBusy ? 'busy' : null)
  return governor.share
}

test('a move works all the time while its ends are quiet', () => {
  expect(afterLooks([false, false, false])).toBe(1)
})

test('after one busy look it rests as long as it works, after two three times as long', () => {
  expect(afterLooks([true])).toBe(0.5)
  expect(afterLooks([true, true])).toBe(0.25)
})

test('it never works for less than the floor, however long its ends are busy', () => {
  expect(afterLooks(Array(50).fill(true))).toBe(0.1)
  expect(afterLooks(Array(50).fill(true), 0.4)).toBe(0.4)
  expect(afterLooks(Array(50).fill(true), 1)).toBe(1)
})

test('from the floor it is back at all of the time after eleven quiet looks', () => {
  const busy = Array(50).fill(true)
  expect(afterLooks([...busy, ...Array(10).fill(false)])).toBeLessThan(1)
  expect(afterLooks([...busy, ...Array(11).fill(false)])).toBe(1)
})

test('commits are judged by the mean of the last ten', () => {
  const times = new CommitTimes('mean')
  expect(times.ms).toBeNull()
  for (let i = 0; i < 10; i += 1) times.add(2)
  times.add(22)
  expect(times.ms).toBe(4)
  for (let i = 0; i < 10; i += 1) times.add(3)
  expect(times.ms).toBe(3)
})

test('requests that our own work delays are judged by the least of the last ten', () => {
  const times = new CommitTimes('least')
  for (const ms of [400, 3, 90]) times.add(ms)
  expect(times.ms).toBe(3)
  for (let i = 0; i < 10; i += 1) times.add(40)
  expect(times.ms).toBe(40)
})

test('the quiet time is the least of those measured, again after ten minutes, while alone', () => {
  const times = new QuietTimes()
  expect(times.ms).toBeNull()
  expect(times.isDue({ isQuiet: false, at: 0 })).toBe(true)
  times.add(9, 0)
  times.add(4, 1)
  times.add(7, 2)
  expect(times.ms).toBe(4)
  expect(times.isDue({ isQuiet: true, at: 600_000 })).toBe(false)
  expect(times.isDue({ isQuiet: true, at: 600_003 })).toBe(true)
  expect(times.isDue({ isQuiet: false, at: 9_000_000 })).toBe(false)
})

test('a place that has shown no quiet time is not measured again soon', () => {
  const times = new QuietTimes()
  times.add(null, 0)
  expect(times.ms).toBeNull()
  expect(times.isDue({ isQuiet: true, at: 600_000 })).toBe(false)
})

const quiet: EndLoad = {
  ...{ name: 'source', what: 'commits at', ms: 2, takesMs: 2, quietMs: 2 },
  ...{ active: 0, lagMs: null, isConnected: null, isGone: false, asks: null },
}

const limits = { slowdown: 2 }

test.each([
  ['quiet', {}, limits, null],
  ['at the limit', { takesMs: 4 }, limits, null],
  ['slow', { takesMs: 4.2 }, limits, 'commits at the source take 4.2 ms, limit 4.0'],
  ['unknown when quiet', { takesMs: 400, quietMs: null }, limits, null],
  [
    'slower than a limit in ms',
    { takesMs: 40, quietMs: 39 },
    { ...limits, commitMs: 20 },
    'commits at the source take 40 ms, limit 20',
  ],
  ['within a limit in ms', { takesMs: 19, quietMs: 1 }, { ...limits, commitMs: 20 }, null],
  ['active, without a limit', { active: 900 }, limits, null],
  [
    'active',
    { active: 9 },
    { ...limits, active: 8 },
    '9 sessions of others are active at the source, limit 8',
  ],
  ['without standbys', { lagMs: null }, { ...limits, lagMs: 1 }, null],
  [
    'with a standby that is behind',
    { lagMs: 1_500 },
    { ...limits, lagMs: 1_000 },
    'a standby of the source is 1,500 ms behind, limit 1,000',
  ],
  [
    'without its standby',
    { isGone: true },
    { ...limits, lagMs: 1_000, standby: 'replica' },
    'standby "replica" of the source is no longer connected',
  ],
  ['asking for less', { asks: 'answers 503' }, limits, 'the source answers 503'],
])('an end that is %s', (_, differs, byPlan, reason) => {
  expect(busyReason({ ...quiet, ...differs }, byPlan)).toBe(reason)
})

test('a quiet time that could not be measured is tried again later, though others are at work there', () => {
  const times = new QuietTimes()
  times.add(null, 0)
  expect(times.isDue({ isQuiet: false, at: 1_000 })).toBe(false)
  expect(times.isDue({ isQuiet: false, at: 601_000 })).toBe(true)
  times.add(3, 601_000)
  expect(times.isDue({ isQuiet: false, at: 9_000_000 })).toBe(false)
})
