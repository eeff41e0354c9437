// Each kind of change alone, followed between two databases by snapshots.
import { followEachKind } from '../helpers/follow/each-kind.ts'

followEachKind({ over: [], takes: () => true, first: 0 })
