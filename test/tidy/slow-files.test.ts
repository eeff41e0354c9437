// The rule of test durations finds what a person would have to wait for.
import { expect, test } from 'vitest'
import { slowest, slowFiles } from '../helpers/tidy/slow-files.ts'

test('a file of the default tier that takes more than a minute is found, with its time', () => {
  const times = [
    { path: 'test/quick.test.ts', ms: 60_000 },
    { path: 'test/slow.pg.test.ts', ms: 60_100 },
    { path: 'test/slow.test.ts', ms: 125_000 },
  ]
  expect(slowFiles(times)).toEqual([
    'test/slow.pg.test.ts took 60.1 s of 60.0 s',
    'test/slow.test.ts took 125.0 s of 60.0 s',
  ])
})

test('where the whole run took longer, a file may take a twentieth of it', () => {
  const others = Array.from({ length: 39 }, (_, i) => ({ path: `test/${i}.test.ts`, ms: 50_000 }))
  const run = (ms: number) => slowFiles([...others, { path: 'test/slow.test.ts', ms }])
  expect(run(100_000)).toEqual([])
  expect(run(110_000)).toEqual(['test/slow.test.ts took 110.0 s of 103.0 s'])
})

test('a file of the exhaustive tier may take its time', () => {
  expect(slowFiles([{ path: 'test/deaths.all.test.ts', ms: 600_000 }])).toEqual([])
})

test('the slowest files come first, and no more of them than asked for', () => {
  const times = [1, 3, 2].map((ms) => ({ path: `${ms}`, ms }))
  expect(slowest(times, 2).map(({ path }) => path)).toEqual(['3', '2'])
})
