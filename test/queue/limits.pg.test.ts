// The order of the jobs of several runs, and the number of moves at once, on both backends.
import { randomUUID } from 'node:crypto'
import { expect, test } from 'vitest'
import type { Move, Priority, Run } from '../../src/control/database.ts'
import { addJobs } from '../../src/queue/jobs.ts'
import { ensureJobs, limitMoves, reorderJobs } from '../../src/queue/limits.ts'
import { openWorker, type Queues } from '../../src/queue/queues.ts'
import { describeOnBackends } from '../helpers/backends.ts'
import { eventually } from '../helpers/eventually.ts'
import { openQueue } from '../helpers/moves/queue.ts'

function movesOf(run: string, count: number): Move[] {
  return Array.from({ length: count }, (_, i) => {
    const ids = { id: randomUUID(), run_id: run, tenant_id: `${run}${i}` }
    return { ...ids, errand: 'move', generation: 0 } as Move
  })
}

const runOf = (priority: Priority) => ({ attempts: 1, backoff_ms: 1, priority }) as Run

/** The tenants in the order in which one worker takes their jobs. */
async function taken(queues: Queues, count: number): Promise<string[]> {
  const tenants: string[] = []
  const processor = async (job: { data: { tenantId: string } }) => tenants.push(job.data.tenantId)
  const settings = { concurrency: 1, onError: () => {} }
  const worker = openWorker(queues, 'rehome-moves', { processor, settings })
  await eventually(() => expect(tenants).toHaveLength(count))
  await worker.close()
  return tenants
}

describeOnBackends('jobs of several runs', (backend) => {
  test('are taken in the order of the runs: first, normal, last', async () => {
    await using opened = await openQueue(backend)
    const { queues } = opened
    await addJobs(queues, runOf('last'), movesOf('l', 2))
    await addJobs(queues, runOf('normal'), movesOf('n', 2))
    await addJobs(queues, runOf('first'), movesOf('f', 2))
    expect(await taken(queues, 6)).toEqual(['f0', 'f1', 'n0', 'n1', 'l0', 'l1'])
  })

  test('take turns, so that a small run is not behind a large one', async () => {
    await using opened = await openQueue(backend)
    const { queues } = opened
    await addJobs(queues, runOf('normal'), movesOf('l', 12))
    await addJobs(queues, runOf('normal'), movesOf('s', 2))
    await ensureJobs(queues, movesOf('t', 2), { run: runOf('normal') })
    await addJobs(queues, runOf('last'), movesOf('z', 1))
    const runs = (await taken(queues, 17)).map((tenant) => tenant[0]).join('')
    expect(runs).toMatch(/^ll[st]{2}l[st]{2}l{9}z$/)
  })

  test.each(['first', 'normal', 'last'] as const)(
    'are taken in the order of their run (%s) when they come in parts',
    async (priority) => {
      await using opened = await openQueue(backend)
      const { queues } = opened
      await addJobs(queues, runOf(priority), movesOf('a', 3))
      await addJobs(queues, { ...runOf(priority), ahead: 3 }, movesOf('b', 3))
      expect(await taken(queues, 6)).toEqual(['a0', 'a1', 'a2', 'b0', 'b1', 'b2'])
    },
  )

  test('are taken in another order when their priority was changed', async () => {
    await using opened = await openQueue(backend)
    const { queues } = opened
    // More than are asked for at once.
    const [early, late, other] = [movesOf('a', 40), movesOf('b', 40), movesOf('c', 1)]
    for (const moves of [early, late, other]) await addJobs(queues, runOf('normal'), moves)
    await reorderJobs(queues, early, 'last')
    await reorderJobs(queues, late, 'first')
    await reorderJobs(queues, movesOf('unknown', 1), 'first')
    const runs = (await taken(queues, 81)).map((tenant) => tenant[0])
    expect(runs.join('')).toBe(`${'b'.repeat(40)}c${'a'.repeat(40)}`)
  })

  test('are worked on by all workers together up to the limit, which may change', async () => {
    await using opened = await openQueue(backend)
    const { queues } = opened
    await limitMoves(queues, 1)
    const moves = movesOf('t', 6)
    await ensureJobs(queues, moves, { run: runOf('normal') })
    const ends: (() => void)[] = []
    const processor = () => new Promise<void>((resolve) => void ends.push(resolve))
    const settings = { concurrency: 4, onError: () => {} }
    const workers = [1, 2].map(() => openWorker(queues, 'rehome-moves', { processor, settings }))
    await eventually(() => expect(ends).toHaveLength(1))
    await limitMoves(queues, 3)
    await eventually(() => expect(ends).toHaveLength(3), { withinMs: 4_000 })
    await limitMoves(queues, null)
    await eventually(() => expect(ends).toHaveLength(6), { withinMs: 4_000 })
    for (const end of ends) end()
    await Promise.all(workers.map((worker) => worker.close()))
    expect(await queues.byErrand.move.getGlobalConcurrency()).toBeNull()
  })
})
