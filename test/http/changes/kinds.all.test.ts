// Each kind of change alone, made in the midst of the copy and of the comparison, where both ends
// are asked over HTTP: only the log can tell of it. Without a worker: test/follow/by-feeds.
import { beforeAll, describe, expect, test } from 'vitest'
import { moveKindsOverHttp } from '../../helpers/http/http-kinds.ts'
import {
  type Arrival,
  expectArrived,
  titlesOfChanges,
} from '../../helpers/moments/kinds-of-changes.ts'

describe.each([
  ['the copy', 'the comparison', ['copy', 'comparison']],
  ['the comparison', 'the copy', ['comparison', 'copy']],
] as const)('in turn in %s and in %s', (_first, _second, moments) => {
  let arrivals: Map<string, Arrival>
  beforeAll(async () => {
    arrivals = await moveKindsOverHttp(moments)
  }, 300_000)

  test.each(titlesOfChanges)('%s arrives', (title) => expectArrived(arrivals.get(title)))

  test('every kind has a tenant of its own', () => {
    expect([...arrivals.keys()]).toEqual(titlesOfChanges)
  })
})
