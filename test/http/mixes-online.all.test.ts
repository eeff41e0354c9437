// Stories of tenants that write while they move, and of their ways back,
// with each mix of ends that the default tier leaves out.
import { test } from 'vitest'
import { withOtherMixes } from '../helpers/http-mixes.ts'
import { momentStories } from './stories/moments.ts'
import { onlineStories } from './stories/online.ts'
import { waysBackStories } from './stories/ways-back.ts'
import { windowStories } from './stories/windows.ts'

test.each([
  ...withOtherMixes(onlineStories),
  ...withOtherMixes(momentStories),
  ...withOtherMixes(windowStories),
  ...withOtherMixes(waysBackStories),
])('%s (with %s over HTTP)', { timeout: 300_000 }, async (_title, _ends, run) => await run())
