// A call of the plan's router that never ends.
import { expect, test } from 'vitest'
import type { PlanInput } from '../../src/plan/plan.ts'
import { openAttempts } from '../helpers/attempts.ts'
import { expectHome } from '../helpers/runs.ts'
import { createWorld } from '../helpers/world.ts'

test('a call that does not come to an end is given up, and the next one is made', async () => {
  let calls = 0
  let aborted = false
  const onMoved: NonNullable<PlanInput['cutover']>['onMoved'] = async ({ signal }) => {
    calls += 1
    if (calls > 1) return
    signal.addEventListener('abort', () => {
      aborted = true
    })
    stop.abort()
    await new Promise(() => {})
  }
  const stop = new AbortController()
  await using world = await createWorld({ plan: { cutover: { onMoved } } })
  await world.addTenant('acme', 1)
  await world.rehome.enqueue(world.plan())
  await using attempts = openAttempts(world)
  // The worker is to stop: it has 8 s to finish, and the call would have 10 s.
  const outcome = await attempts.try('acme', { stop: stop.signal })
  expect(outcome).toMatchObject({ kind: 'failed', error: { code: 'STOPPED' } })
  expect(aborted).toBe(true)
  await expectHome(world, 'acme', 'target')
  expect(await attempts.try('acme')).toMatchObject({ kind: 'settled', phase: 'moved' })
})
