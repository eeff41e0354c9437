// A worker stands still at each remote call of an errand, before and after it, and wakes up when
// later attempts have finished it and the tenant has gone on writing: it changes nothing at either
// end. Some tenants have several such workers at once.
//
// To try one place, all that it takes is its name, or a part of it:
// STAND_AT='before cutover source flags 1' npx vitest run test/attempt/zombies.all.test.ts
import { expect, test } from 'vitest'
import { standEverywhere } from '../helpers/attempts/standstill.ts'
import { stories } from '../helpers/attempts/stories.ts'

const timeout = 1_800_000
const { move, onlineMove, rollback, rollbackWithWrites } = stories

test.each([move, onlineMove, rollback, rollbackWithWrites])(
  'a worker that stood still anywhere in $name changes nothing when it wakes up',
  { timeout },
  async (story) => {
    const places = await standEverywhere(story)
    process.stderr.write(`stood still in ${story.name}: ${places.length} places\n`)
    if (!process.env.STAND_AT) expect(places.length).toBeGreaterThan(5)
  },
)
