// A worker dies at one remote call in some phases of errands at ends over HTTP, and another goes
// on. See deaths.pg.test.ts for what has to hold, and for how one place is tried.
import { expect, test } from 'vitest'
import { dieAlone, inThreePhases } from '../helpers/attempts/deaths.ts'
import { stories } from '../helpers/attempts/stories.ts'
import { partOf } from '../helpers/rotation.ts'

const timeout = 300_000
const { onlineMoveOverHttp, rollbackOverHttp } = stories

test.each(partOf([onlineMoveOverHttp, rollbackOverHttp], 2))(
  'a death in three phases of $name is followed by one that ends it',
  { timeout },
  async (story) => {
    expect(await dieAlone(story, inThreePhases)).toHaveLength(3)
  },
)
