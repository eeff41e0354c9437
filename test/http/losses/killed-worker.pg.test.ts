// A worker process is killed while it copies: with one mix of ends; the others are in
// mixes.all.test.ts.
import { test } from 'vitest'
import { withOneMix } from '../../helpers/http/http-mixes.ts'
import { killedWorkerStories } from '../stories/killed-worker.ts'

test.each(withOneMix(killedWorkerStories))(
  '%s (with %s over HTTP)',
  {
    timeout: 120_000,
  },
  async (_title, _ends, run) => await run(),
)
