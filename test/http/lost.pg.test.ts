// Requests and answers get lost between a worker and its ends, one of each kind in turn: what was
// done is done once, and the tenant has exactly one home.
import { describe, expect, test } from 'vitest'
import { loseAnswer, loseRequest, type Trouble } from '../helpers/http-trouble.ts'
import { byTimer, createLossy, expectFew, move } from '../helpers/lossy.ts'
import { ended, expectHome, moveOf, rowsAt, tryWrite } from '../helpers/runs.ts'

describe.each<[string, Trouble]>([
  ['answer', loseAnswer],
  ['request', loseRequest],
])('whichever %s is lost', (_, trouble) => {
  test('a tenant is moved, with every row there once', { timeout: 300_000 }, async () => {
    const lossy = await createLossy(trouble)
    await using world = lossy.world
    await using _worker = await world.work()
    await move(world, 'first')
    const losses = lossy.seen().filter(({ operation }) => !byTimer.test(operation))
    expect(losses.map(({ operation }) => operation)).toContain('flags/mark-moved')
    expect(losses.length).toBeGreaterThan(25)
    const missed: string[] = []
    for (const [i, loss] of losses.entries()) {
      const tenant = `tenant ${i}`
      const what = `${loss.end} ${loss.operation}`
      lossy.lose(loss)
      const { phase, error_message } = await moveOf(world, await move(world, tenant), tenant)
      expect([what, phase, error_message]).toEqual([what, 'moved', null])
      if (!lossy.isLost()) missed.push(what)
      expect(await rowsAt(world, 'target', tenant)).toEqual(await rowsAt(world, 'source', tenant))
      await expectHome(world, tenant, 'target')
    }
    expectFew(missed, losses)
  })

  test('a tenant that is rolled back has its one home at the source', {
    timeout: 300_000,
  }, async () => {
    const lossy = await createLossy(trouble)
    await using world = lossy.world
    await using _worker = await world.work()
    const first = await move(world, 'first')
    lossy.seen()
    await world.rehome.rollback(first, { tenants: ['first'] })
    await ended(world, first)
    const losses = lossy.seen().filter(({ operation }) => !byTimer.test(operation))
    expect(losses.length).toBeGreaterThan(10)
    const missed: string[] = []
    for (const [i, loss] of losses.entries()) {
      const tenant = `tenant ${i}`
      const what = `${loss.end} ${loss.operation}`
      const runId = await move(world, tenant)
      lossy.lose(loss)
      await world.rehome.rollback(runId, { tenants: [tenant] })
      const undone = (await ended(world, runId)).get(tenant)
      expect([what, undone?.phase, undone?.error_message]).toEqual([what, 'rolled_back', null])
      if (!lossy.isLost()) missed.push(what)
      expect([what, await tryWrite(world, 'source', tenant)]).toEqual([what, 'accepted'])
      expect(await tryWrite(world, 'target', tenant)).toBe('25006 rehome:fenced')
    }
    expectFew(missed, losses)
  })
})
