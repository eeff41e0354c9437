// Every type of PostgreSQL over HTTP, as it is and through transforms that change nothing.
// Each story with one mix of ends; the others are in mixes.all.test.ts.
import { test } from 'vitest'
import { withOneMix } from '../helpers/http/http-mixes.ts'
import { everyTypeStories } from './stories/every-type.ts'

test.each(withOneMix(everyTypeStories))(
  '%s (with %s over HTTP)',
  {
    timeout: 120_000,
  },
  async (_title, _ends, run) => await run(),
)
