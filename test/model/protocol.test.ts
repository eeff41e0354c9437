// The protocol, explored in every interleaving within bounds: no state breaks a promise. And the
// same with one rule left out, where the model shows how it is broken. A third of the worlds with
// each commit.
import { describe, expect, test } from 'vitest'
import { partOf } from '../helpers/rotation.ts'
import { explore } from './explore.ts'
import { mutants, type Small, searchOf } from './mutants.ts'
import { proven } from './rules.ts'

const worlds: readonly (readonly [string, Small])[] = [
  ['a move, and an application that writes a lot', { from: 'move', attempts: 1, writes: [2, 2] }],
  ['two workers at one move', { from: 'move', attempts: 2, writes: [1, 1] }],
  ['a move that failed before', { from: 'again', attempts: 2, writes: [1, 0], failures: true }],
  [
    'a move called off, or rolled back',
    { from: 'move', attempts: 2, writes: [1, 0], failures: true, asks: ['rollback'] },
  ],
  [
    'two workers at one rollback',
    { from: 'back', attempts: 2, writes: [1, 1], asks: ['rollback'] },
  ],
  [
    'a move, its rollback, its retry and a new run, by three attempts',
    { from: 'move', attempts: 3, writes: [0, 0], asks: ['rollback', 'retry', 'new run'] },
  ],
  [
    'an online move, and an application that writes',
    { from: 'online', attempts: 1, writes: [1, 1] },
  ],
  ['two workers at one online move', { from: 'online', attempts: 2, writes: [1, 0] }],
  [
    'a rollback that keeps writes',
    { from: 'logged', attempts: 1, writes: [1, 1], asks: ['rollback'] },
  ],
  [
    'two workers at a rollback that keeps writes',
    { from: 'logged', attempts: 2, writes: [1, 0], asks: ['rollback'] },
  ],
  [
    'an online move, and its rollback',
    { from: 'online', attempts: 2, writes: [1, 0], asks: ['rollback'] },
  ],
  [
    'workers that receive SIGTERM, at a move',
    { from: 'move', attempts: 2, writes: [1, 0], stops: true },
  ],
  [
    'workers that receive SIGTERM, at an online move',
    { from: 'online', attempts: 2, writes: [0, 0], stops: true },
  ],
  [
    'workers that receive SIGTERM, at rollbacks',
    { from: 'logged', attempts: 2, writes: [0, 0], asks: ['rollback'], stops: true },
  ],
]

describe('every promise holds in every state of', () => {
  test.each(partOf(worlds, 3))('%s', (_, world) => {
    const { states, broken, exhausted } = explore(searchOf(world))
    expect(broken?.trace.concat(broken.what) ?? []).toEqual([])
    expect(exhausted).toBe(true)
    expect(states).toBeGreaterThan(1_000)
    if (process.env.LOG_LEVEL) console.log(`${states} states`)
  })
})

describe('a promise is broken without', () => {
  test.each(mutants)('$without', ({ rules, world, breaks }) => {
    const { states, broken } = explore(searchOf(world, { ...proven, ...rules }))
    const story = (broken?.trace ?? []).map((line, i) => `${i + 1}. ${line}`)
    if (process.env.LOG_LEVEL) console.log([`${states} states`, ...story, broken?.what].join('\n'))
    expect(broken?.what).toMatch(breaks)
    expect(story.length).toBeGreaterThan(1)
  })
})
