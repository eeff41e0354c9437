// What becomes of each column, key and row on the way back, between two databases.
import { test } from 'vitest'
import { waysBack } from '../helpers/moves/ways-back.ts'
import { partOf } from '../helpers/rotation.ts'
import { createWorld } from '../helpers/world.ts'

test.each(partOf(Object.entries(waysBack), 2))('%s', { timeout: 60_000 }, async (_, story) => {
  await story(createWorld)
})
