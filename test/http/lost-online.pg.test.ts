// The same losses while the tenant goes on writing: it has exactly one home, and all that it wrote
// is there.
import { describe, expect, test } from 'vitest'
import { loseAnswer, loseRequest, type Trouble } from '../helpers/http-trouble.ts'
import { byTimer, createLossy, expectFew, inPairs, type Loss, move } from '../helpers/lossy.ts'
import { ended, expectHome, moveOf, rowsAt, writeAt } from '../helpers/runs.ts'
import { onlinePlan, ownIds } from '../helpers/way-back.ts'

const timeout = 400_000
const plan = { ...onlinePlan, attempts: 4 } as const

describe.each<[string, Trouble]>([
  ['answer', loseAnswer],
  ['request', loseRequest],
])('whichever %s is lost', (_, trouble) => {
  test('a tenant that writes at every position moves with all of it', { timeout }, async () => {
    const writing: { tenant?: string } = {}
    const onAsked = async ({ end, operation }: Loss) => {
      if (end !== 'source' || operation !== 'feed/position' || !writing.tenant) return
      const write = `update notes set body = body || '.', parent_id = id where tenant_id = $1`
      await lossy.world.source.pool.query(write, [writing.tenant]).catch(() => {})
    }
    const lossy = await createLossy(trouble, { plan, onAsked })
    await using world = lossy.world
    await using _worker = await world.work()
    writing.tenant = 'first'
    await move(world, 'first')
    const losses = lossy.seen().filter(({ operation }) => !byTimer.test(operation))
    const operations = losses.map(({ operation }) => operation)
    for (const operation of ['feed/apply', 'feed/changes', 'feed/write-sync', 'flags/mark-moved']) {
      expect(operations).toContain(operation)
    }
    const missed: string[] = []
    for (const [i, pair] of inPairs(losses).entries()) {
      writing.tenant = `tenant ${i}`
      const what = pair.map(({ end, operation }) => `${end} ${operation}`).join(' and ')
      lossy.lose(...pair)
      const run = await move(world, writing.tenant)
      const { phase, error_message } = await moveOf(world, run, writing.tenant)
      expect([what, phase, error_message]).toEqual([what, 'moved', null])
      missed.push(...lossy.left())
      const rows = await rowsAt(world, 'source', writing.tenant)
      expect(await rowsAt(world, 'target', writing.tenant)).toEqual(rows)
      await expectHome(world, writing.tenant, 'target')
    }
    expectFew(missed, losses)
  })

  test('a tenant that has written at its new home comes back with all of it', {
    timeout,
  }, async () => {
    const lossy = await createLossy(trouble, { plan, target: ownIds })
    await using world = lossy.world
    await using _worker = await world.work()
    const written = async (tenant: string) => {
      const run = await move(world, tenant)
      await writeAt(world, 'target', tenant)
      return { run, home: await rowsAt(world, 'target', tenant) }
    }
    const first = await written('first')
    lossy.seen()
    await world.rehome.rollback(first.run, { tenants: ['first'] })
    await ended(world, first.run)
    const losses = lossy.seen().filter(({ operation }) => !byTimer.test(operation))
    expect(losses.map(({ operation }) => operation)).toContain('feed/apply')
    const missed: string[] = []
    for (const [i, pair] of inPairs(losses).entries()) {
      const tenant = `tenant ${i}`
      const what = pair.map(({ end, operation }) => `${end} ${operation}`).join(' and ')
      const { run, home } = await written(tenant)
      lossy.lose(...pair)
      await world.rehome.rollback(run, { tenants: [tenant] })
      const undone = (await ended(world, run)).get(tenant)
      expect([what, undone?.phase, undone?.error_message]).toEqual([what, 'rolled_back', null])
      missed.push(...lossy.left())
      expect(await rowsAt(world, 'source', tenant)).toEqual(home)
      await expectHome(world, tenant, 'source')
    }
    expectFew(missed, losses)
  })
})
