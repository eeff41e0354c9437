// Stories of tenants that write while they move, and of their ways back,
// with another mix of ends than in the default tier: each mix with two successive commits.
import { test } from 'vitest'
import { withAnotherMix } from '../helpers/http/http-mixes.ts'
import { momentStories } from './stories/moments.ts'
import { onlineStories } from './stories/online.ts'
import { waysBackStories } from './stories/ways-back.ts'
import { windowStories } from './stories/windows.ts'

test.each([
  ...withAnotherMix(onlineStories),
  ...withAnotherMix(momentStories),
  ...withAnotherMix(windowStories),
  ...withAnotherMix(waysBackStories),
])('%s (with %s over HTTP)', { timeout: 300_000 }, async (_title, _ends, run) => await run())
