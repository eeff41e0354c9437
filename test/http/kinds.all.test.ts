// Each kind of change at the moment that kinds.pg.test.ts leaves to this file.
import { beforeAll, test } from 'vitest'
import { moveKindsOverHttp } from '../helpers/http-kinds.ts'
import { type Arrival, expectArrived, titlesOfChanges } from '../helpers/kinds-of-changes.ts'

let arrivals: Map<string, Arrival>
beforeAll(async () => {
  arrivals = await moveKindsOverHttp(['comparison', 'copy'])
}, 300_000)

test.each(titlesOfChanges)('%s arrives', (title) => expectArrived(arrivals.get(title)))
