// A worker process is killed while it copies between ends over HTTP.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { expect } from 'vitest'
import type { MixedStory } from '../../helpers/http/http-mixes.ts'
import { createHttpWorld, type HttpWorld } from '../../helpers/http-world.ts'
import { programFile } from '../../helpers/processes/programs.ts'
import { ended, expectHome, moveOf, rowsAt } from '../../helpers/runs.ts'

const plan = { chunkRows: 50, attempts: 20, fence: { leaseMs: 3_000, drainMs: 2_000 } }
const pageRows = 50
const notes = 500
const rows = 1 + notes + 2 * notes + 20
const copiedBefore = 800

async function copying(world: HttpWorld, runId: string | null): Promise<void> {
  for await (const { moves } of world.rehome.watch(runId ?? '', { everyMs: 5 })) {
    if (Number(moves[0]?.rows_copied) >= copiedBefore) return
    if (moves[0]?.phase === 'moved') throw new Error('too late')
  }
}

async function startWorkerProcess(world: HttpWorld, changes: object) {
  const started = spawn(
    process.execPath,
    [programFile('test/helpers/processes/worker-process.ts')],
    {
      env: { ...process.env, ...world.environment, PLAN_CHANGES: JSON.stringify(changes) },
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  )
  await once(started.stdout, 'data')
  return started
}

export const killedWorkerStories: Readonly<Record<string, MixedStory>> = {
  'a worker killed while copying is followed by another that goes on there': async (over) => {
    await using world = await createHttpWorld({ over, plan, asking: { pageRows } })
    await world.addTenant('acme', notes)
    const one = world.plan({ tenants: ['acme'] })
    const { tenants, source, target } = one
    const first = await startWorkerProcess(world, { ...plan, tenants, source, target })
    const { runId } = await world.rehome.enqueue(one)
    await copying(world, runId)
    first.kill('SIGKILL')
    await once(first, 'exit')
    // Its fence has to be taken over before the lease lapses for the rows to be still right.
    const flag = `update rehome.tenant_flags set expires_at = now() + interval '1 minute'`
    expect((await world.source.pool.query(flag)).rowCount).toBe(1)
    const before = pagesAsked(world)
    await using _second = await world.work([one])
    expect((await ended(world, runId)).get('acme')).toMatchObject({ phase: 'moved', attempt: 2 })
    const { events } = await world.rehome.show(runId ?? '', 'acme')
    expect(events.filter((event) => event.phase === 'preflight')).toHaveLength(1)
    // What had come is not asked for again.
    expect((pagesAsked(world) - before) * pageRows).toBeLessThan(rows - copiedBefore / 2)
    expect(await rowsAt(world, 'target', 'acme')).toEqual(await rowsAt(world, 'source', 'acme'))
    await expectHome(world, 'acme', 'target')
    expect((await moveOf(world, runId ?? '', 'acme')).rows_copied).toBe(String(rows))
  },
}

/** Read at the source, or written at the target where the source is a database. */
function pagesAsked({ ends: { source, target } }: HttpWorld): number {
  return source
    ? (source.asked.get('/rehome/v1/rows/read') ?? 0)
    : (target?.asked.get('/rehome/v1/rows/write') ?? 0)
}
