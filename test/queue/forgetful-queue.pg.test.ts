// Queues forget, run jobs again, or hold what somebody edited: no move is lost.
import { expect, test } from 'vitest'
import { describeOnOneBackend } from '../helpers/backends.ts'
import { eventually } from '../helpers/eventually.ts'
import { ended, moveOf, rowsAt, runAll, tryWrite } from '../helpers/runs.ts'
import { createWorld } from '../helpers/world.ts'

describeOnOneBackend('the queue', (backend) => {
  test('forgets everything, and nothing is lost', async () => {
    await using world = await createWorld({ backend })
    await world.addTenant('acme')
    const { runId } = await world.rehome.enqueue(world.plan())
    await world.rehome.queues.byErrand.move.obliterate({ force: true })
    await using _worker = await world.work()
    expect((await ended(world, runId)).get('acme')?.phase).toBe('moved')
  })

  test('runs a finished job again, and nothing happens', async () => {
    await using world = await createWorld({ backend })
    await world.addTenant('acme')
    await using _worker = await world.work()
    const runId = await runAll(world)
    const before = await moveOf(world, runId, 'acme')
    const job = await world.rehome.queues.byErrand.move.getJob(before.id)
    await eventually(async () => expect(await job?.getState()).toBe('completed'))
    await job?.retry('completed')
    await eventually(async () => {
      const again = await world.rehome.queues.byErrand.move.getJob(before.id)
      expect(again?.returnvalue).toMatchObject({ nothingToDo: true, phase: 'moved' })
    })
    expect(await moveOf(world, runId, 'acme')).toEqual(before)
  })

  test('holds a job whose data somebody changed, and no other tenant is touched', async () => {
    await using world = await createWorld({ backend })
    await world.addTenant('acme')
    await world.addTenant('other')
    const { runId } = await world.rehome.enqueue(world.plan(), { tenants: ['acme'] })
    const { id } = await moveOf(world, runId ?? '', 'acme')
    const job = await world.rehome.queues.byErrand.move.getJob(id)
    await job?.updateData({ ...job.data, tenantId: 'other' })
    await using _worker = await world.work()
    await eventually(async () => expect(await job?.isFailed()).toBe(true))
    expect(await rowsAt(world, 'target', 'other')).toEqual([])
    expect(await tryWrite(world, 'source', 'other')).toBe('accepted')
  })
})
