// Online moves whose transforms give rows other keys, or leave rows out.
import { expect, test } from 'vitest'
import type { PlanInput } from '../../src/plan/plan.ts'
import { changeableKeys, startRestless } from '../helpers/moments/restless.ts'
import { ended } from '../helpers/runs.ts'
import { computed, expectRenumbered, renumbered } from '../helpers/schemas/renumbered.ts'
import { createWorld } from '../helpers/world.ts'

test.each([
  ['by JavaScript', renumbered],
  ['by SQL', computed],
])('rows whose keys change %s are found again when they change', async (_, tables) => {
  const plan: Partial<PlanInput> = {
    ...{ strategy: 'online', pause: { budgetMs: 20_000 }, attempts: 5, tables },
    fence: { leaseMs: 10_000, drainMs: 10_000 },
  }
  await using world = await createWorld({ plan, both: changeableKeys })
  await world.addTenant('acme', 300)
  await world.addTenant('other', 100)
  await using worker = await world.work()
  await using restless = startRestless(world, { tenant: 'acme', other: 'other' })
  const { runId } = await world.rehome.enqueue(world.plan(), { tenants: ['acme'] })
  const move = (await ended(world, runId)).get('acme')
  if (move?.phase !== 'moved') console.log(move?.error_code, move?.error_message)
  expect(move).toMatchObject({ phase: 'moved' })
  expect(restless.accepted).toBeGreaterThan(2)
  await expectRenumbered(world)
  await worker.close()
})
