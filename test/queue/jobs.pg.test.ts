// A move's job is revived whatever workers do to it between two looks at it.
import { randomUUID } from 'node:crypto'
import { type Job, UnrecoverableError } from 'bullmq'
import { expect, test } from 'vitest'
import { whyWaiting } from '../../src/cli/context.ts'
import type { Move, Run } from '../../src/control/database.ts'
import { addJobs, ensureJob, waitingJobIds } from '../../src/queue/jobs.ts'
import { openWorker, type Queues } from '../../src/queue/queues.ts'
import { describeOnBackends } from '../helpers/backends.ts'
import { eventually } from '../helpers/eventually.ts'
import { openQueue } from '../helpers/moves/queue.ts'

const run = { attempts: 1, backoff_ms: 1, priority: 'normal' } as const

/** Runs the jobs that wait, until one has ended so. */
async function workUntil(queues: Queues, job: Job, state: 'failed' | 'completed'): Promise<void> {
  const processor = async () => {
    if (state === 'failed') throw new UnrecoverableError('so')
  }
  const settings = { concurrency: 1, onError: () => {} }
  const worker = openWorker(queues, 'rehome-moves', { processor, settings })
  await eventually(async () => expect(await job.getState()).toBe(state))
  await worker.close()
}

function newMove(): Move {
  const ids = { id: randomUUID(), run_id: 'run', tenant_id: 'acme' }
  return { ...ids, errand: 'move', generation: 0 } as Move
}

async function jobOf({ byErrand }: Queues, { id }: Move): Promise<Job> {
  const job = await byErrand.move.getJob(id)
  if (!job) throw new Error('there is no job')
  return job
}

/** Queues where `between` happens once, after a job's state was read. */
function withChange(queues: Queues, between: (job: Job) => Promise<unknown>): Queues {
  const { move } = queues.byErrand
  let changed = false
  const queue: typeof move = Object.create(move)
  queue.getJob = async (id) => {
    const job: Job | undefined = await move.getJob(id)
    if (!job) return job
    const look = job.getState.bind(job)
    job.getState = async () => {
      const state = await look()
      if (!changed) await between(await jobOf(queues, { id } as Move))
      changed = true
      return state
    }
    return job
  }
  return { ...queues, byErrand: { ...queues.byErrand, move: queue } }
}

describeOnBackends('the list of waiting jobs', (backend) => {
  test('has those that a worker may take now, and no others', async () => {
    await using opened = await openQueue(backend)
    const { queues } = opened
    const [ended, ...waiting] = Array.from({ length: 4 }, newMove)
    if (!ended) throw new Error('there are four')
    await ensureJob(queues, ended, { run })
    await workUntil(queues, await jobOf(queues, ended), 'completed')
    expect(await waitingJobIds(queues)).toEqual(new Set())
    await addJobs(queues, run as Run, waiting)
    expect(await waitingJobIds(queues)).toEqual(new Set(waiting.map(({ id }) => id)))
  })
})

describeOnBackends('a job whose state changes after it was read', (backend) => {
  test('is left alone where it waits by then', async () => {
    await using opened = await openQueue(backend)
    const { queues } = opened
    const move = newMove()
    await ensureJob(queues, move, { run })
    const job = await jobOf(queues, move)
    await workUntil(opened.queues, job, 'failed')
    await ensureJob(
      withChange(queues, (other) => other.retry('failed')),
      move,
      { run },
    )
    expect(await job.getState()).toBe('waiting')
  })

  test('is added anew where it is gone by then', async () => {
    await using opened = await openQueue(backend)
    const { queues } = opened
    const move = newMove()
    await ensureJob(queues, move, { run })
    await workUntil(opened.queues, await jobOf(queues, move), 'completed')
    await ensureJob(
      withChange(queues, (other) => other.remove()),
      move,
      { run },
    )
    expect(await (await jobOf(queues, move)).getState()).toBe('waiting')
  })

  test('is left alone where it was promoted by then', async () => {
    await using opened = await openQueue(backend)
    const { queues } = opened
    const move = newMove()
    await queues.byErrand.move.add('move', payloadOf(move), { jobId: move.id, delay: 600_000 })
    await ensureJob(
      withChange(queues, (other) => other.promote()),
      move,
      { run },
    )
    expect(await (await jobOf(queues, move)).getState()).toBe('waiting')
  })
})

describeOnBackends('an ended job', (backend) => {
  test('runs again only if its move is still open', async () => {
    await using opened = await openQueue(backend)
    const { queues } = opened
    const move = newMove()
    await ensureJob(queues, move, { run })
    const job = await jobOf(queues, move)
    await workUntil(opened.queues, job, 'failed')
    await ensureJob(queues, move, { run, isOpen: async () => false })
    expect(await job.getState()).toBe('failed')
    await ensureJob(queues, move, { run, isOpen: async () => true })
    expect(await job.getState()).toBe('waiting')
  })
})

describeOnBackends('a run that does not begin', (backend) => {
  test('waits for a paused queue, or else most likely for a worker', async () => {
    await using opened = await openQueue(backend)
    const { queues } = opened
    expect(await whyWaiting({ queues })).toContain('is a worker running?')
    await queues.byErrand.move.pause()
    expect(await whyWaiting({ queues })).toContain('queue "rehome-moves" is paused')
  })
})

function payloadOf({ id: moveId, run_id: runId, tenant_id: tenantId }: Move) {
  return { moveId, runId, tenantId }
}
