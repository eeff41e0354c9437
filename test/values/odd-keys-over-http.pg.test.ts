// Rows whose keys are written in other words at the new home come back over HTTP, and keep the
// columns that only the old home knows.
import { expect, test } from 'vitest'
import { bothEnds, createHttpWorld } from '../helpers/http-world.ts'
import { keyedOptions, moveKeyedAndReturn } from '../helpers/schemas/keyed.ts'
import { respelledKeys } from '../helpers/schemas/odd-keys.ts'

test('rows of every key come back as they were written', { timeout: 120_000 }, async () => {
  await using world = await createHttpWorld({ over: bothEnds, ...keyedOptions(respelledKeys) })
  const asked = world.plan({ tenants: ['acme', 'umbra'] })
  expect(await world.rehome.check(asked)).toEqual([])
  await moveKeyedAndReturn({ ...world, plan: () => asked }, respelledKeys)
})
