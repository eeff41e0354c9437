// The tenant's own work that no database sees: a move waits for its end before it trusts the fence.
import { expect, test } from 'vitest'
import { eventually } from './helpers/eventually.ts'
import { ended, expectHome, moveOf, runAll, tryWrite } from './helpers/runs.ts'
import { createWorld } from './helpers/world.ts'

function gate() {
  let open = () => {}
  const opened = new Promise<void>((resolve) => {
    open = resolve
  })
  return { opened, open: () => open() }
}

test.each(['offline', 'online'] as const)(
  '%s moves and their rollbacks go on when it has ended, and not before',
  async (strategy) => {
    const asked: string[] = []
    let { opened, open } = gate()
    const drained = async (tenant: string) => {
      asked.push(tenant)
      await opened
    }
    const pause = { budgetMs: 60_000 }
    await using world = await createWorld({
      plan: {
        strategy,
        pause,
        fence: { drained, drainMs: 60_000 },
        rollback: { windowMs: 60_000 },
      },
    })
    await world.addTenant('acme')
    await world.work()
    const { runId } = await world.rehome.enqueue(world.plan())
    await eventually(() => expect(asked).toEqual(['acme']))
    expect((await moveOf(world, runId ?? '', 'acme')).phase).toBe('drain')
    expect(await tryWrite(world, 'source', 'acme')).toBe('25006 rehome:fenced')
    open()
    expect((await ended(world, runId)).get('acme')?.phase).toBe('moved')
    ;({ opened, open } = gate())
    await world.rehome.rollback(runId ?? '', { tenants: ['acme'] })
    await eventually(() => expect(asked).toEqual(['acme', 'acme']))
    expect((await moveOf(world, runId ?? '', 'acme')).phase).toBe('undo_drain')
    expect(await tryWrite(world, 'target', 'acme')).toBe('25006 rehome:fenced')
    open()
    expect((await ended(world, runId)).get('acme')?.phase).toBe('rolled_back')
    await expectHome(world, 'acme', 'source')
  },
)

test.each([
  ['does not end', () => new Promise<void>(() => {}), /had not ended after 200 ms/],
  ['fails', () => Promise.reject(new Error('the queue is away')), /: the queue is away/],
])('where it %s the tenant gets its writes back', async (_, drained, message) => {
  await using world = await createWorld({
    plan: { fence: { drained, drainMs: 200 }, attempts: 1 },
  })
  await world.addTenant('acme')
  await world.work()
  const runId = await runAll(world)
  const move = await moveOf(world, runId, 'acme')
  expect(move).toMatchObject({ phase: 'failed', error_code: 'DRAIN_TIMEOUT' })
  expect(move.error_message).toMatch(message)
  expect(await tryWrite(world, 'source', 'acme')).toBe('accepted')
})
