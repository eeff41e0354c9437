// An end over HTTP goes away in the midst of a copy: the move goes on when it is back, and no
// tenant waits for longer than the lease. Most of this is waiting, so all tests go on at once. One
// end with each commit.
import { describe, expect, test } from 'vitest'
import { eventually } from '../../helpers/eventually.ts'
import { operationOf, type Trouble, troubled } from '../../helpers/http/http-trouble.ts'
import {
  bothEnds,
  createHttpWorld,
  type EndName,
  type HttpWorld,
} from '../../helpers/http-world.ts'
import { partOf } from '../../helpers/rotation.ts'
import { ended, expectHome, rowsAt, tryWrite } from '../../helpers/runs.ts'

// Long enough for a worker on a slow machine to renew it in time.
const leaseMs = 6_000
const plan = { chunkRows: 50, attempts: 20, fence: { leaseMs, drainMs: 5_000 } }
const batchesBefore = 8
const notes = 300

/** A world whose ends tell when the copy is under way. `silent`: the end answers no more. */
async function createWatched(attempts: number) {
  let startCopying = () => {}
  const copying = new Promise<void>((resolve) => {
    startCopying = resolve
  })
  const silent = new Set<EndName>()
  let batches = 0
  const watching = (end: EndName): Trouble => {
    return async (request, work) => {
      if (operationOf(request) === 'rows/write') batches += 1
      if (batches === batchesBefore) startCopying()
      return silent.has(end) ? await new Promise(() => {}) : await work()
    }
  }
  const world = await createHttpWorld({
    ...{ over: bothEnds, plan: { ...plan, attempts }, asking: { pageRows: 50 } },
    serve: (end) => ({ between: troubled(watching(end)) }),
  })
  return { world, silent, copying }
}

/** Moves a tenant until some of its rows are there. */
async function moveHalf({ world, copying }: { world: HttpWorld; copying: Promise<void> }) {
  await world.addTenant('acme', notes)
  const worker = await world.work()
  const { runId } = await world.rehome.enqueue(world.plan())
  const over = ended(world, runId).then((moves) => {
    throw new Error(`the move has ended before: ${moves.get('acme')?.error_message}`)
  })
  await Promise.race([copying, over])
  return { runId, worker }
}

/** In ms. */
async function untilWritten(world: HttpWorld): Promise<number> {
  const start = performance.now()
  const write = async () => expect(await tryWrite(world, 'source', 'acme')).toBe('accepted')
  await eventually(write, { withinMs: 60_000 })
  return performance.now() - start
}

// A renewal may just have been made, and another one be under way.
const waitMsMax = 3 * leaseMs

describe.concurrent.each(partOf(bothEnds, 2))(
  'a tenant whose %s goes away in the midst of the copy',
  { timeout: 180_000 },
  (end) => {
    test('is moved when the end comes back, and can write until then', async () => {
      const watched = await createWatched(20)
      await using world = watched.world
      const { runId } = await moveHalf(watched)
      await world.ends[end]?.stop()
      await untilWritten(world)
      await world.ends[end]?.start()
      const move = (await ended(world, runId)).get('acme')
      expect([move?.phase, move?.error_message]).toEqual(['moved', null])
      expect(move?.attempt).toBeGreaterThan(1)
      expect(await rowsAt(world, 'target', 'acme')).toEqual(await rowsAt(world, 'source', 'acme'))
      await expectHome(world, 'acme', 'target')
    })

    test('waits no longer than the lease if the end never comes back', async () => {
      const watched = await createWatched(1)
      await using world = watched.world
      const { runId } = await moveHalf(watched)
      await world.ends[end]?.stop()
      expect(await untilWritten(world)).toBeLessThan(waitMsMax)
      const move = (await ended(world, runId)).get('acme')
      expect(move?.phase).toBe('failed')
      expect(['UNREACHABLE', 'FENCE_LOST']).toContain(move?.error_code)
    })

    test('waits for some leases at most if the end answers no more', async () => {
      const watched = await createWatched(1)
      await using world = watched.world
      await moveHalf(watched)
      watched.silent.add(end)
      // A silent target is found out by three looks of 2 s each, a silent source by its lease.
      const looksMs = end === 'source' ? 0 : 6_000
      expect(await untilWritten(world)).toBeLessThan(looksMs + waitMsMax)
    })
  },
)
