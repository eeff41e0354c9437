// Stories of moves that stand still, and of what becomes of rows on their way,
// with another mix of ends than in the default tier: each mix with two successive commits.
import { test } from 'vitest'
import { withAnotherMix } from '../helpers/http/http-mixes.ts'
import { everyTypeStories } from './stories/every-type.ts'
import { killedWorkerStories } from './stories/killed-worker.ts'
import { transformStories } from './stories/transforms.ts'
import { wayBackStories } from './stories/way-back.ts'

test.each([
  ...withAnotherMix(wayBackStories),
  ...withAnotherMix(transformStories),
  ...withAnotherMix(everyTypeStories),
  ...withAnotherMix(killedWorkerStories),
])('%s (with %s over HTTP)', { timeout: 120_000 }, async (_title, _ends, run) => await run())
