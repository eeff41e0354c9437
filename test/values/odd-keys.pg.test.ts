// Rows with keys of every kind move, are written at the new home in other words, and come back: by
// snapshots between two databases, and by feeds between two ends over HTTP, where the old home has
// columns that only it knows.
import { expect, test } from 'vitest'
import { bothEnds, createHttpWorld } from '../helpers/http-world.ts'
import {
  type KeyedTypes,
  keyedSql,
  keyedTables,
  moveKeyedAndReturn,
  withoutOld,
} from '../helpers/keyed.ts'
import { oddKeys, respelledKeys } from '../helpers/odd-keys.ts'
import { onlinePlan } from '../helpers/way-back.ts'
import { createWorld } from '../helpers/world.ts'

const optionsOf = (types: KeyedTypes) => ({
  both: keyedSql(types),
  target: withoutOld(types),
  plan: {
    ...{ ...onlinePlan, attempts: 1, fence: { leaseMs: 600_000, drainMs: 10_000 } },
    tenants: ['acme', 'umbra'],
    tables: keyedTables(types, { drop: ['old'] }),
  },
})

test('between two databases', { timeout: 120_000 }, async () => {
  await using world = await createWorld(optionsOf(oddKeys))
  expect(await world.rehome.check(world.plan())).toEqual([])
  await moveKeyedAndReturn(world, oddKeys)
})

test('between two ends over HTTP', { timeout: 120_000 }, async () => {
  await using world = await createHttpWorld({ over: bothEnds, ...optionsOf(respelledKeys) })
  const asked = world.plan({ tenants: ['acme', 'umbra'] })
  expect(await world.rehome.check(asked)).toEqual([])
  await moveKeyedAndReturn({ ...world, plan: () => asked }, respelledKeys)
})
