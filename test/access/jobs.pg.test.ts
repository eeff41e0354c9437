// Jobs that were edited or made up: each is refused by the worker, and no tenant is moved, brought
// back or cleaned up but by a job that is his own.
import { randomUUID } from 'node:crypto'
import { expect, test } from 'vitest'
import { describeOnOneBackend } from '../helpers/backends.ts'
import { eventually } from '../helpers/eventually.ts'
import { flagsAt, moveOf, rowsAt, runAll } from '../helpers/runs.ts'
import { createWorld } from '../helpers/world.ts'

interface Ids {
  readonly moveId: string
  readonly runId: string
  readonly tenantId: string
}

/** Data that no job of ours has, and last, data that only a job of another name may have. */
function madeUp(victims: Ids, open: { id: string; run_id: string }): unknown[] {
  return [
    ...[null, 'text', 7, [], [victims], {}, { moveId: victims.moveId }],
    { ...victims, more: true },
    { ...victims, tenantId: 'bystander' },
    { ...victims, tenantId: 'Victim' },
    { ...victims, runId: open.run_id },
    { ...victims, moveId: open.id },
    { ...victims, moveId: randomUUID() },
    { ...victims, moveId: "' or true --" },
    { ...victims, tenantId: ['victim'] },
    { ...victims, tenantId: { $ne: null } },
    { ...victims, tenantId: 'x'.repeat(1_000_000) },
    JSON.parse(`{"__proto__": ${JSON.stringify(victims)}}`),
    JSON.parse(`{"constructor": {"prototype": ${JSON.stringify(victims)}}}`),
    victims,
  ]
}

describeOnOneBackend('a job', (backend) => {
  test('that was made up or edited does nothing to anybody', async () => {
    await using world = await createWorld({ backend, plan: { attempts: 1 } })
    for (const tenant of ['victim', 'bystander', 'mine']) await world.addTenant(tenant, 2)
    const worker = await world.work()
    const moved = await moveOf(world, await runAll(world, ['victim']), 'victim')
    await worker.close()
    const { runId } = await world.rehome.enqueue(world.plan(), { tenants: ['bystander'] })
    const open = await moveOf(world, runId ?? '', 'bystander')
    await world.rehome.rollback(runId ?? '', { tenants: ['bystander'] })
    const ends = ['source', 'target'] as const
    const everything = async () => [
      ...(await Promise.all(ends.map((end) => rowsAt(world, end, 'victim')))),
      ...(await Promise.all(ends.map((end) => rowsAt(world, end, 'bystander')))),
      ...(await Promise.all(ends.map((end) => flagsAt(world, end)))),
    ]
    const before = await everything()

    const victims = { moveId: moved.id, runId: moved.run_id, tenantId: 'victim' }
    const made = madeUp(victims, open)
    const { byErrand } = world.rehome.queues
    const queues = Object.values(byErrand)
    for (const queue of queues) {
      for (const data of made) await queue.add('move', data, { jobId: `made-${randomUUID()}` })
    }
    // The names that BullMQ would give them, for errands without a request.
    await byErrand.rollback.add('rollback', victims, { jobId: `${moved.id}-0` })
    await byErrand.cleanup.add('cleanup', victims, { jobId: `${moved.id}-0` })
    const settled = await byErrand.rollback.getJob(`${open.id}-1`)
    await settled?.updateData(victims)

    await world.work()
    await eventually(
      async () => {
        for (const queue of queues) {
          const { waiting, active, failed } = await queue.getJobCounts()
          expect({ waiting, active }).toEqual({ waiting: 0, active: 0 })
          expect(failed).toBeGreaterThanOrEqual(made.length)
        }
      },
      { withinMs: 30_000 },
    )
    for (const queue of queues) {
      for (const job of await queue.getFailed()) {
        expect(job.failedReason).toMatch(
          /^UNEXPECTED: the job('s data was changed| does not belong)/,
        )
        expect(job.failedReason.length).toBeLessThan(400)
      }
    }
    await eventually(async () => {
      expect(await moveOf(world, runId ?? '', 'bystander')).toMatchObject({ phase: 'rolled_back' })
    })
    expect(await everything()).toEqual(before)
    expect(await moveOf(world, moved.run_id, 'victim')).toMatchObject({ phase: 'moved' })
  })
})
