// Some kinds of changes, followed by feeds where one of the ends is a database of ours.
import { describe } from 'vitest'
import { followEachKind } from '../helpers/follow/each-kind.ts'

describe('into a database', () => {
  followEachKind({ over: ['source'], takes: (place) => place % 7 === 0, first: 2 })
})

describe('out of a database', () => {
  followEachKind({ over: ['target'], takes: (place) => place % 7 === 3, first: 3 })
})
