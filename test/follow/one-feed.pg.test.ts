// Kinds of changes, followed by feeds where one of the ends is a database of ours: a commit takes a
// twelfth of them each way.
import { describe } from 'vitest'
import { followEachKind } from '../helpers/follow/each-kind.ts'
import { isInPart } from '../helpers/rotation.ts'

describe('into a database', () => {
  followEachKind({ over: ['source'], takes: (place) => isInPart(place, 12), first: 2 })
})

describe('out of a database', () => {
  followEachKind({ over: ['target'], takes: (place) => isInPart(place + 6, 12), first: 3 })
})
