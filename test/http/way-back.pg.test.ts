// Tenants whose ends are reached over HTTP come back, are given up, and are tidied up after.
// Each story with one mix of ends; the others are in mixes.all.test.ts.
import { test } from 'vitest'
import { withOneMix } from '../helpers/http/http-mixes.ts'
import { wayBackStories } from './stories/way-back.ts'

test.each(withOneMix(wayBackStories))(
  '%s (with %s over HTTP)',
  {
    timeout: 120_000,
  },
  async (_title, _ends, run) => await run(),
)
