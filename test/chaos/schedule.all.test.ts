import { spawnSync } from 'node:child_process'
import { expect, test } from 'vitest'
import { schedule } from '../../chaos/faults/schedule.ts'
import { commandOf, readOptions } from '../../chaos/options.ts'
import { randomOf } from '../../chaos/random.ts'
import { programFile } from '../helpers/processes/programs.ts'

const durationMs = 600_000
const drawn = (seed: number, queue: 'redis' | 'postgres' = 'redis') =>
  schedule({ random: randomOf(seed, 'faults'), durationMs, queue })

test('the same seed has the same faults at the same times, and another one has others', () => {
  expect(drawn(7)).toEqual(drawn(7))
  expect(drawn(7)).not.toEqual(drawn(8))
})

test('faults come in order, and none lasts beyond the end', () => {
  const faults = drawn(7)
  expect(faults.length).toBeGreaterThan(300)
  const times = faults.map(({ atMs }) => atMs)
  expect(times).toEqual(times.toSorted((left, right) => left - right))
  expect(faults.filter(({ atMs, forMs }) => atMs + forMs > durationMs)).toEqual([])
})

test('every kind of fault comes up, and none of Redis where there is no Redis', () => {
  const kindsOf = (queue: 'redis' | 'postgres') =>
    new Set(drawn(7, queue).map(({ kind, server }) => `${kind} ${server}`))
  const ofRedis = [...kindsOf('redis')].filter((kind) => kind.endsWith(' redis'))
  expect(ofRedis.toSorted()).toEqual([
    'cut server redis',
    'cut worker redis',
    'flush redis redis',
    'freeze server redis',
    'freeze worker redis',
    'hang redis redis',
    'kill redis redis',
    'redis down redis',
  ])
  expect([...kindsOf('postgres')].filter((kind) => kind.includes('redis'))).toEqual([])
  expect(new Set(drawn(7).map(({ kind }) => kind)).size).toBe(31)
})

test('a run says by which command it comes again', () => {
  const options = readOptions(['--minutes', '0.5', '--seed', '42', '--queue', 'redis', '--json'])
  expect(options).toEqual({
    ...{ minutes: 0.5, seed: 42, queue: 'redis', strategy: 'mixed', json: true },
  })
  expect(commandOf(options)).toBe(
    'npm run chaos -- --minutes 0.5 --seed 42 --queue redis --strategy mixed',
  )
  expect(readOptions([])).toMatchObject({ minutes: 1, queue: 'postgres', json: false })
})

test.each([
  [['--minutes', 'soon'], '--minutes is a number'],
  [['--minutes', '0'], '--minutes is more than 0'],
  [['--seed', '1.5'], '--seed is a whole number'],
  [['--queue', 'kafka'], '--queue is redis or postgres'],
  [['--tenants', '3'], `Unknown option '--tenants'`],
])('wrong arguments are refused: %s', (args, words) => {
  expect(() => readOptions(args)).toThrow(words)
})

test('wrong arguments end it with exit code 2 and one line', () => {
  const main = programFile('chaos/main.ts')
  const ended = spawnSync(process.execPath, [main, '--tenants', '3'], { encoding: 'utf8' })
  expect(ended.status).toBe(2)
  expect(ended.stdout).toBe('')
  expect(ended.stderr.trimEnd().split('\n')).toEqual([expect.stringContaining('--tenants')])
})
