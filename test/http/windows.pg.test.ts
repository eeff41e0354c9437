// What becomes of a rollback window over HTTP: audits, its end, and what they find.
// Each story with one mix of ends; the others are in mixes-online.all.test.ts.
import { test } from 'vitest'
import { withOneMix } from '../helpers/http/http-mixes.ts'
import { windowStories } from './stories/windows.ts'

test.each(withOneMix(windowStories))(
  '%s (with %s over HTTP)',
  {
    timeout: 120_000,
  },
  async (_title, _ends, run) => await run(),
)
