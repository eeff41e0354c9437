// Each kind of change alone, followed by the feeds of two ends that are asked over HTTP: of rows
// that come, change and go, and of those that go to another tenant or come from one.

import { followEachKind } from '../helpers/follow/each-kind.ts'
import { kindsOfChanges } from '../helpers/kinds-of-changes.ts'

const takes = (place: number) => place < kindsOfChanges.length
followEachKind({ over: ['source', 'target'], takes, first: 1 })
