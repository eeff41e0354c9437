// What becomes of each column, key and row on the way back, where an end is asked over HTTP.
// Each story with one mix of ends; the others are in mixes-online.all.test.ts.
import { test } from 'vitest'
import { withOneMix } from '../helpers/http/http-mixes.ts'
import { waysBackStories } from './stories/ways-back.ts'

test.each(withOneMix(waysBackStories))(
  '%s (with %s over HTTP)',
  {
    timeout: 120_000,
  },
  async (_title, _ends, run) => await run(),
)
