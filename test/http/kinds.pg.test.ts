// Each kind of change alone, made in the midst of the copy or of the comparison, where both ends
// are asked over HTTP: only the log can tell of it. The other moment is in kinds.all.test.ts.
import { beforeAll, expect, test } from 'vitest'
import { moveKindsOverHttp } from '../helpers/http-kinds.ts'
import { type Arrival, expectArrived, titlesOfChanges } from '../helpers/kinds-of-changes.ts'

let arrivals: Map<string, Arrival>
beforeAll(async () => {
  arrivals = await moveKindsOverHttp(['copy', 'comparison'])
}, 300_000)

test.each(titlesOfChanges)('%s arrives', (title) => expectArrived(arrivals.get(title)))

test('every kind has a tenant of its own', () => {
  expect([...arrivals.keys()]).toEqual(titlesOfChanges)
})
