// Tenants that move online where an end is asked over HTTP: nothing that they write is lost.
// Each story with one mix of ends; the others are in mixes-online.all.test.ts.
import { test } from 'vitest'
import { withOneMix } from '../helpers/http/http-mixes.ts'
import { onlineStories } from './stories/online.ts'

test.each(withOneMix(onlineStories))(
  '%s (with %s over HTTP)',
  {
    timeout: 300_000,
  },
  async (_title, _ends, run) => await run(),
)
