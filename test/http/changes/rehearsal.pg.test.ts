// A rehearsal whose source answers each request with its current rows: writes between two requests
// are no difference between the ends.
import { expect, test } from 'vitest'
import { storeRehearsal } from '../../../src/coordinator/enqueue.ts'
import { closeEnds, openEnds } from '../../../src/coordinator/installation.ts'
import { checkPlan } from '../../../src/plan/check-plan.ts'
import { openAttempts } from '../../helpers/attempts.ts'
import type { ServeOptions } from '../../helpers/http-end.ts'
import { createHttpWorld, type HttpWorld } from '../../helpers/http-world.ts'
import { flagsAt, rowsAt } from '../../helpers/runs.ts'

/** Before each of so many comparisons the tenant writes. */
async function writingWorld(comparisons: number) {
  const writes = { left: comparisons, write: async () => {} }
  const between: ServeOptions['between'] = (handler) => async (request, response) => {
    if (request.url?.endsWith('rows/digest') && writes.left > 0) {
      writes.left -= 1
      await writes.write()
    }
    return await handler(request, response)
  }
  const world = await createHttpWorld({ over: ['source'], serve: () => ({ between }) })
  await world.addTenant('acme', 3)
  writes.write = async () => {
    await world.source.pool.query(`update notes set body = body || '!' where tenant_id = 'acme'`)
  }
  return world
}

async function rehearse(world: HttpWorld) {
  const plan = checkPlan(world.plan())
  const ends = openEnds(plan, world.environment)
  await storeRehearsal(world.rehome, { plan, ends }, { tenant: 'acme', by: 'tester' })
  await closeEnds(ends)
  await using attempts = openAttempts(world)
  return await attempts.try('acme')
}

test('a write between copy and comparison makes it begin anew', async () => {
  await using world = await writingWorld(1)
  const outcome = await rehearse(world)
  expect(outcome).toMatchObject({ kind: 'settled', evidence: { rehearsal: { rows: 30 } } })
  expect(await rowsAt(world, 'target', 'acme')).toEqual([])
})

test('it ends where the tenant writes all the time, says so, and leaves nothing', async () => {
  await using world = await writingWorld(1_000)
  expect(await rehearse(world)).toMatchObject({
    kind: 'failed',
    error: { code: 'ROWS_DIFFER', message: expect.stringMatching(/3 times; .* over HTTP.*quiet/) },
  })
  expect(await rowsAt(world, 'target', 'acme')).toEqual([])
  expect(await flagsAt(world, 'target')).toEqual([])
})
