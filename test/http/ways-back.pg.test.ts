// What becomes of each column, key and row on the way back, where an end is asked over HTTP.
import { describe, test } from 'vitest'
import { createHttpWorld, mixes } from '../helpers/http-world.ts'
import { waysBack } from '../helpers/ways-back.ts'

describe.each(mixes)('with %s over HTTP', (_called, over) => {
  test.each(Object.entries(waysBack))('%s', { timeout: 60_000 }, async (_, story) => {
    await story((options) => createHttpWorld({ ...options, over }))
  })
})
