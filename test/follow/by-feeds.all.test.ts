// The kinds of changes that by-feeds.pg.test.ts leaves to the next commit.

import { followEachKind } from '../helpers/follow/each-kind.ts'
import { kindsOfChanges } from '../helpers/kinds-of-changes.ts'
import { isInPart } from '../helpers/rotation.ts'

const takes = (place: number) => place < kindsOfChanges.length && !isInPart(place, 2)
followEachKind({ over: ['source', 'target'], takes, first: 1 })
