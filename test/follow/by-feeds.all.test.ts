// The kinds of changes that by-feeds.pg and unique-by-feeds.pg leave to the next commit.

import { followEachKind } from '../helpers/follow/each-kind.ts'
import { isInPart } from '../helpers/rotation.ts'

const takes = (place: number) => !isInPart(place, 2)
followEachKind({ over: ['source', 'target'], takes, first: 1 })
