// An attempt loses all connections that it has in use at each remote call of an errand, before and
// after it. It ends by itself, and the next one goes on.
//
// To try one place, all that it takes is its name, or a part of it:
// LOSE_AT='before cutover source flags 1' npx vitest run test/attempt/lost-connections.all.test.ts
import { expect, test } from 'vitest'
import { isPlaceInPart } from '../helpers/attempts/deaths.ts'
import { loseConnections } from '../helpers/attempts/lost-connections.ts'
import { stories } from '../helpers/attempts/stories.ts'
import { takesAll } from '../helpers/rotation.ts'

const { move, onlineMove, rollback, rollbackWithWrites } = stories

test.each([move, onlineMove, rollback, rollbackWithWrites])(
  'an attempt that loses its connections anywhere in $name ends by itself',
  { timeout: 1_800_000 },
  async (story) => {
    const places = await loseConnections(story, (points) =>
      points.filter((point) => takesAll() || isPlaceInPart(point)),
    )
    process.stderr.write(`lost connections in ${story.name}: ${places.length} places\n`)
    if (!process.env.LOSE_AT) expect(places.length).toBeGreaterThan(5)
  },
)
