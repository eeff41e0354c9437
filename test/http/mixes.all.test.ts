// Stories of moves that stand still, and of what becomes of rows on their way,
// with each mix of ends that the default tier leaves out.
import { test } from 'vitest'
import { withOtherMixes } from '../helpers/http-mixes.ts'
import { everyTypeStories } from './stories/every-type.ts'
import { killedWorkerStories } from './stories/killed-worker.ts'
import { transformStories } from './stories/transforms.ts'
import { wayBackStories } from './stories/way-back.ts'

test.each([
  ...withOtherMixes(wayBackStories),
  ...withOtherMixes(transformStories),
  ...withOtherMixes(everyTypeStories),
  ...withOtherMixes(killedWorkerStories),
])('%s (with %s over HTTP)', { timeout: 120_000 }, async (_title, _ends, run) => await run())
