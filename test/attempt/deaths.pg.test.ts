// A worker dies at one remote call in each phase, in each errand, and another goes on: no row is
// lost, no tenant has two homes or none, no other tenant is touched. All calls have their turn in
// deaths-*.all.test.ts. Below the queue, in this process: test/helpers/attempts/life.ts.
// The errands take turns.
//
// To try other places of the same phases: ROTATION=7 npx vitest run test/attempt/deaths.pg.test.ts
// To try one place, all that it takes is its name, or a part of it:
// DIE_AT='after cutover source flags 1' npx vitest run test/attempt/deaths-of-moves.all.test.ts
import { expect, test } from 'vitest'
import { dieAlone, inThreePhases, onePerPhase } from '../helpers/attempts/deaths.ts'
import { stories } from '../helpers/attempts/stories.ts'
import { phaseOf } from '../helpers/moments/call-points.ts'
import { partOf, takesAll } from '../helpers/rotation.ts'
import { house } from '../helpers/tidy/house.ts'
import { phasesOf } from '../helpers/tidy/words.ts'

const diedIn = new Set<string>()

const timeout = 300_000
const { move, rollback, heldMove: _, ...local } = stories
const { onlineMoveOverHttp: __, rollbackOverHttp: ___, ...others } = local

test.each(partOf(Object.values(others), 2))(
  'a death in each phase of $name is followed by one that ends it',
  { timeout },
  async (story) => {
    const places = await dieAlone(story, onePerPhase)
    for (const place of places) diedIn.add(phaseOf(place))
  },
)

// Their phases are those of the ones above.
test.each(partOf([move, rollback], 2))(
  'a death in three phases of $name is followed by one that ends it',
  { timeout },
  async (story) => {
    expect(await dieAlone(story, inThreePhases)).toHaveLength(3)
  },
)

test.runIf(takesAll())('there is no phase in which no worker has died', () => {
  const { working } = phasesOf(house)
  expect(working.length).toBeGreaterThan(12)
  expect(working.filter((phase) => !diedIn.has(phase))).toEqual([])
})
