// Retry from the board is the product's retry; and what is done to jobs behind its back is
// harmless.
import { expect, test } from 'vitest'
import { describeOnOneBackend } from '../helpers/backends.ts'
import { eventually } from '../helpers/eventually.ts'
import { noPoison } from '../helpers/moves/no-poison.ts'
import { ended, expectHome, moveOf, rowsAt, runAll } from '../helpers/runs.ts'
import { createWorld, type World } from '../helpers/world.ts'
import { ask, cure, jobOf, openBoard, poison, retryPath } from './board-world.ts'

const put = { method: 'PUT' }

async function eventsOf(world: World, runId: string, tenant: string): Promise<string[]> {
  return (await world.rehome.show(runId, tenant)).events.map((event) => event.message)
}

describeOnOneBackend('the Retry button', (backend) => {
  test('asks the control database, and the tenant gets all of its attempts again', async () => {
    await using world = await createWorld({ backend, target: noPoison })
    await world.addTenant('bad')
    await poison(world, 'bad')
    await using _worker = await world.work()
    const runId = await runAll(world)
    await cure(world)
    await using board = await openBoard(world)
    const answer = await ask(board, retryPath(await jobOf(world, 'bad', 'failed')), put)
    expect(answer).toMatchObject({ status: 204, text: '' })
    expect((await ended(world, runId)).get('bad')).toMatchObject({
      phase: 'moved',
      attempts_used: 1,
      attempt: 2,
      error_code: null,
    })
    expect(await eventsOf(world, runId, 'bad')).toContain(
      'move asked for by somebody (operator on the board)',
    )
    await expectHome(world, 'bad', 'target')
  })

  test('is refused with the reason where the product refuses it', async () => {
    await using world = await createWorld({ backend })
    await world.addTenant('acme')
    await using _worker = await world.work()
    const runId = await runAll(world)
    await using board = await openBoard(world)
    const path = retryPath(await jobOf(world, 'acme', 'completed'))
    expect(await ask(board, path, put)).toMatchObject({
      status: 409,
      json: {
        error: 'Not retried',
        code: 'NOT_ALLOWED_NOW',
        message: 'tenant "acme" is moved: only a failed move can be retried',
      },
    })
    expect((await moveOf(world, runId, 'acme')).attempt).toBe(1)
    const nobody = '/api/queues/rehome-moves/nobody/retry'
    expect(await ask(board, nobody, put)).toMatchObject({ status: 404 })
    const nowhere = path.replace('rehome-moves', 'nowhere')
    expect(await ask(board, nowhere, put)).toMatchObject({ status: 404 })
  })

  test('for all failed ones retries those that may, and says which may not', async () => {
    // A job that comes to a second worker finds nothing to do, and is not failed.
    await using world = await createWorld({ backend, target: noPoison, lockMs: 30_000 })
    for (const tenant of ['bad-1', 'bad-2', 'bad-3', 'good']) await world.addTenant(tenant)
    for (const tenant of ['bad-1', 'bad-2', 'bad-3']) await poison(world, tenant)
    await using _worker = await world.work()
    const runId = await runAll(world)
    await world.rehome.rollback(runId, { tenants: ['bad-2'] })
    await ended(world, runId)
    for (const tenant of ['bad-1', 'bad-2', 'bad-3']) await jobOf(world, tenant, 'failed')
    await world.rehome.skip(runId, { tenants: ['bad-3'] })
    await cure(world)
    await using board = await openBoard(world)
    const all = '/api/queues/rehome-moves/retry'
    expect(await ask(board, `${all}/completed`, put)).toMatchObject({ status: 409 })
    expect(await ask(board, `${all}/failed`, put)).toMatchObject({
      status: 409,
      json: {
        error: '1 retried, 2 not',
        message: expect.stringMatching(/bad-(2" is rolled_back: only|3" was skipped: retry it by)/),
      },
    })
    const phases = [...(await ended(world, runId))].map(([tenant, move]) => [tenant, move.phase])
    expect(phases).toEqual([
      ['bad-1', 'moved'],
      ['bad-2', 'rolled_back'],
      ['bad-3', 'failed'],
      ['good', 'moved'],
    ])
    const { rollback } = world.rehome.queues.byErrand
    expect(await rollback.getFailedCount()).toBe(0)
    expect(await ask(board, '/api/queues/rehome-rollbacks/retry/failed', put)).toMatchObject({
      status: 200,
      json: { retried: 0, skipped: 0 },
    })
  })

  test('of a rollback names the command instead, because it may cost writes', async () => {
    await using world = await createWorld({ backend })
    await world.addTenant('back')
    await using _worker = await world.work()
    const runId = await runAll(world)
    await world.target.pool.query(`insert into notes (tenant_id, body) values ('back', 'new')`)
    await world.rehome.rollback(runId, { tenants: ['back'] })
    expect((await ended(world, runId)).get('back')?.error_code).toBe('WRITES_WOULD_BE_LOST')
    const [job] = await eventually(async () => {
      const failed = await world.rehome.queues.byErrand.rollback.getFailed()
      expect(failed).toHaveLength(1)
      return failed
    })
    await using board = await openBoard(world)
    const message = `a rollback is repeated with: rehome rollback ${runId} --tenant back`
    const path = `/api/queues/rehome-rollbacks/${job?.id}/retry`
    expect(await ask(board, path, put)).toMatchObject({ status: 409, json: { message } })
    const all = await ask(board, '/api/queues/rehome-rollbacks/retry/failed', put)
    expect(all).toMatchObject({ status: 409, json: { error: '0 retried, 1 not', message } })
    await expectHome(world, 'back', 'target')
  })
})

describeOnOneBackend('behind our back', (backend) => {
  test('a job that is retried plainly finds nothing to do', async () => {
    await using world = await createWorld({ backend, target: noPoison })
    for (const tenant of ['bad', 'good']) await world.addTenant(tenant)
    await poison(world, 'bad')
    await using _worker = await world.work()
    const runId = await runAll(world)
    const rows = await rowsAt(world, 'target', 'good')
    const before = await world.rehome.status(runId)
    for (const [tenant, state] of [
      ['good', 'completed'],
      ['bad', 'failed'],
    ] as const) {
      const job = await jobOf(world, tenant, state)
      await job.retry(state)
      // It ends as its move has ended.
      await eventually(async () => {
        const again = await jobOf(world, tenant, state)
        expect(again.attemptsStarted).toBeGreaterThan(job.attemptsStarted)
        if (state === 'failed') expect(again.failedReason).toMatch(/^ROW_REJECTED: /)
        else expect(again.returnvalue).toMatchObject({ nothingToDo: true, phase: 'moved' })
      })
    }
    expect(await world.rehome.status(runId)).toEqual(before)
    expect(await rowsAt(world, 'target', 'good')).toEqual(rows)
    await expectHome(world, 'good', 'target')
    await cure(world)
    await world.rehome.retry(runId, { tenants: ['bad'] })
    expect((await ended(world, runId)).get('bad')?.phase).toBe('moved')
  })

  test('a job whose data names another tenant does nothing, to either', async () => {
    await using world = await createWorld({ backend, target: noPoison })
    for (const tenant of ['bad', 'bystander']) await world.addTenant(tenant)
    await poison(world, 'bad')
    await using _worker = await world.work()
    const runId = await runAll(world, ['bad'])
    const job = await jobOf(world, 'bad', 'failed')
    const right = job.data
    await using board = await openBoard(world)
    const before = await world.rehome.status(runId)
    for (const data of [
      { ...right, tenantId: 'bystander' },
      { ...right, runId: 'another-run' },
      { ...right, moveId: '6f9619ff-8b86-4d01-b42d-00cf4fc964ff' },
      { ...right, discardWrites: true },
      { tenantId: 'bystander' },
      null,
    ]) {
      await job.updateData(data)
      const { status, json } = await ask(board, retryPath(job), put)
      expect(status === 409 || status === 404, JSON.stringify([data, status, json])).toBe(true)
      const attempts = (await jobById(world, job.id)).attemptsMade
      await job.retry('failed')
      await eventually(async () => {
        const again = await jobById(world, job.id)
        expect(again.attemptsMade).toBeGreaterThan(attempts)
        expect(await again.getState()).toBe('failed')
        expect(again.failedReason).toMatch(/^UNEXPECTED: the job/)
      })
      expect((await ask(board, '/api/queues?activeQueue=rehome-moves')).status).toBe(200)
    }
    expect(await world.rehome.status(runId)).toEqual(before)
    expect(await rowsAt(world, 'target', 'bystander')).toEqual([])
    await job.updateData(right)
    await cure(world)
    expect((await ask(board, retryPath(job), put)).status).toBe(204)
    expect((await ended(world, runId)).get('bad')?.phase).toBe('moved')
  })

  test('a job that stands in for another tenant is refused, and nothing is done', async () => {
    await using world = await createWorld({ backend, target: noPoison })
    for (const tenant of ['bad', 'moved']) await world.addTenant(tenant)
    await poison(world, 'bad')
    await using _worker = await world.work()
    const runId = await runAll(world)
    const job = await jobOf(world, 'bad', 'failed')
    const { data } = await jobOf(world, 'moved', 'completed')
    const before = await world.rehome.status(runId)
    await using board = await openBoard(world)
    for (const changed of [{ ...data, moveId: job.id }, data]) {
      await job.updateData(changed)
      expect(await ask(board, retryPath(job), put)).toMatchObject({
        status: 409,
        json: { message: "the job's data was changed: use `rehome retry`" },
      })
    }
    await job.retry('failed')
    await eventually(async () => {
      expect((await jobById(world, job.id)).failedReason).toContain('does not belong to the move')
    })
    expect(await world.rehome.status(runId)).toEqual(before)
  })
})

async function jobById(world: World, id: string | undefined) {
  const job = await world.rehome.queues.byErrand.move.getJob(id ?? '')
  if (!job) throw new Error('the job is gone')
  return job
}
