// What becomes of each column, key and row on the way back, between two databases.
import { test } from 'vitest'
import { waysBack } from '../helpers/ways-back.ts'
import { createWorld } from '../helpers/world.ts'

test.each(Object.entries(waysBack))('%s', { timeout: 60_000 }, async (_, story) => {
  await story(createWorld)
})
