// Rows with keys of every kind move between two databases, are written at the new home in other
// words, and come back to an old home that has columns which only it knows.
import { expect, test } from 'vitest'
import { keyedOptions, moveKeyedAndReturn } from '../helpers/schemas/keyed.ts'
import { oddKeys } from '../helpers/schemas/odd-keys.ts'
import { createWorld } from '../helpers/world.ts'

test('rows of every key come back as they were written', { timeout: 120_000 }, async () => {
  await using world = await createWorld(keyedOptions(oddKeys))
  expect(await world.rehome.check(world.plan())).toEqual([])
  await moveKeyedAndReturn(world, oddKeys)
})
