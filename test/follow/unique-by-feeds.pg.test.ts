// Each kind of change alone, followed by the feeds of two ends that are asked over HTTP: of what
// only one row may have, and of parents. A commit takes every other kind, and the next one the
// others, which by-feeds.all.test.ts takes at once.

import { followEachKind } from '../helpers/follow/each-kind.ts'
import { kindsOfChanges } from '../helpers/moments/kinds-of-changes.ts'
import { isInPart } from '../helpers/rotation.ts'

const takes = (place: number) => place >= kindsOfChanges.length && isInPart(place, 2)
followEachKind({ over: ['source', 'target'], takes, first: 1 })
