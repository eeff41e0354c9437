// Each kind of change alone, followed by the feeds of two ends that are asked over HTTP: of what
// only one row may have, and of parents.

import { followEachKind } from '../helpers/follow/each-kind.ts'
import { kindsOfChanges } from '../helpers/kinds-of-changes.ts'

const takes = (place: number) => place >= kindsOfChanges.length
followEachKind({ over: ['source', 'target'], takes, first: 1 })
