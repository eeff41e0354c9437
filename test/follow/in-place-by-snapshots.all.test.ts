// Each kind of change alone, followed between two databases where foreign keys stay on.
import { followEachKind } from '../helpers/follow/each-kind.ts'

followEachKind({ over: [], takes: () => true, first: 0, inPlace: true })
