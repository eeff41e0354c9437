// A worker stands still at one remote call in a phase of an errand, and wakes up when another has
// finished it and the tenant has gone on writing: it changes nothing at either end. All calls
// have their turn in zombies.all.test.ts. How one place is tried: see there.
import { expect, test } from 'vitest'
import { inThreePhases, onePerPhase } from '../helpers/attempts/deaths.ts'
import { standAlone } from '../helpers/attempts/standstill.ts'
import { stories } from '../helpers/attempts/stories.ts'
import { partOf } from '../helpers/rotation.ts'

const timeout = 300_000
const { move, onlineMove, rollback, rollbackWithWrites } = stories

test(
  'a worker that stood still in a phase of an online move changes nothing',
  async () => {
    expect((await standAlone(onlineMove, onePerPhase)).length).toBeGreaterThan(8)
  },
  timeout,
)

test.each(partOf([move, rollback, rollbackWithWrites], 3))(
  'a worker that stood still in three phases of $name changes nothing when it wakes up',
  { timeout },
  async (story) => {
    expect(await standAlone(story, inThreePhases)).toHaveLength(3)
  },
)
