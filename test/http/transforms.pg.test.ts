// Rows change on their way over HTTP, and what cannot be changed is named.
// Each story with one mix of ends; the others are in mixes.all.test.ts.
import { test } from 'vitest'
import { withOneMix } from '../helpers/http/http-mixes.ts'
import { transformStories } from './stories/transforms.ts'

test.each(withOneMix(transformStories))(
  '%s (with %s over HTTP)',
  {
    timeout: 120_000,
  },
  async (_title, _ends, run) => await run(),
)
