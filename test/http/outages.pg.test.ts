// An end over HTTP goes away in the midst of a copy, or a worker does: the move goes on where it
// was, and no tenant waits for longer than the lease.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { describe, expect, test } from 'vitest'
import { eventually } from '../helpers/eventually.ts'
import { type Trouble, troubled } from '../helpers/http-trouble.ts'
import { bothEnds, createHttpWorld, type HttpWorld, mixes } from '../helpers/http-world.ts'
import { programFile } from '../helpers/programs.ts'
import { ended, expectHome, moveOf, rowsAt, tryWrite } from '../helpers/runs.ts'

const manyPages = { chunkRows: 50, attempts: 20, fence: { leaseMs: 3_000, drainMs: 2_000 } }
const asking = { pageRows: 50 }
const notes = 1_500
const rows = 1 + notes + 2 * notes + 20

async function copying(world: HttpWorld, runId: string | null, least: number): Promise<void> {
  for await (const { moves } of world.rehome.watch(runId ?? '', { everyMs: 5 })) {
    if (Number(moves[0]?.rows_copied) >= least) return
    if (moves[0]?.phase === 'moved') throw new Error('too late')
  }
}

async function writesAgain(world: HttpWorld): Promise<number> {
  const start = performance.now()
  await eventually(async () => expect(await tryWrite(world, 'source', 'acme')).toBe('accepted'))
  return performance.now() - start
}

describe.each(bothEnds)('the %s', (end) => {
  test('that goes away in the midst of a copy and comes back is moved to its end', async () => {
    await using world = await createHttpWorld({ over: bothEnds, plan: manyPages, asking })
    await world.addTenant('acme', notes)
    await using _worker = await world.work()
    const { runId } = await world.rehome.enqueue(world.plan())
    await copying(world, runId, 500)
    await world.ends[end]?.stop()
    await writesAgain(world)
    await world.ends[end]?.start()
    const move = (await ended(world, runId)).get('acme')
    expect([move?.phase, move?.error_message]).toEqual(['moved', null])
    expect(move?.attempt).toBeGreaterThan(1)
    expect(await rowsAt(world, 'target', 'acme')).toEqual(await rowsAt(world, 'source', 'acme'))
    await expectHome(world, 'acme', 'target')
  })

  test('that goes away for good keeps the tenant no longer than the lease', async () => {
    const plan = { ...manyPages, attempts: 1 }
    await using world = await createHttpWorld({ over: bothEnds, plan, asking })
    await world.addTenant('acme', notes)
    await using _worker = await world.work()
    const { runId } = await world.rehome.enqueue(world.plan())
    await copying(world, runId, 500)
    await world.ends[end]?.stop()
    // The lease, and its third in which it may just have been renewed.
    expect(await writesAgain(world)).toBeLessThan(4_500)
    const move = (await ended(world, runId)).get('acme')
    expect(move?.phase).toBe('failed')
    expect(['UNREACHABLE', 'FENCE_LOST']).toContain(move?.error_code)
  })

  test('that says nothing any more keeps the tenant no longer than some leases', async () => {
    let silent = false
    const mute: Trouble = (_, work) => (silent ? new Promise(() => {}) : work())
    await using world = await createHttpWorld({
      ...{ over: bothEnds, plan: { ...manyPages, attempts: 1 }, asking },
      serve: (name) => (name === end ? { between: troubled(mute) } : {}),
    })
    await world.addTenant('acme', notes)
    await using _worker = await world.work()
    const { runId } = await world.rehome.enqueue(world.plan())
    await copying(world, runId, 500)
    silent = true
    // Three looks of 2 s each find it out.
    const waits = { withinMs: 30_000 }
    const start = performance.now()
    const look = async () => expect(await tryWrite(world, 'source', 'acme')).toBe('accepted')
    await eventually(look, waits)
    expect(performance.now() - start).toBeLessThan(end === 'source' ? 4_500 : 11_000)
  })
})

describe.each(mixes)('with %s over HTTP', (_called, over) => {
  test('a worker killed while copying is followed by another that goes on there', async () => {
    await using world = await createHttpWorld({ over, plan: manyPages, asking })
    await world.addTenant('acme', notes)
    const plan = world.plan({ tenants: ['acme'] })
    const { tenants, source, target } = plan
    const first = spawn(process.execPath, [programFile('test/helpers/worker-process.ts')], {
      env: {
        ...{ ...process.env, ...world.environment },
        PLAN_CHANGES: JSON.stringify({ ...manyPages, tenants, source, target }),
      },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    await once(first.stdout, 'data')
    const { runId } = await world.rehome.enqueue(plan)
    await copying(world, runId, 3_000)
    first.kill('SIGKILL')
    await once(first, 'exit')
    // Its fence has to be taken over before the lease lapses for the rows to be still right.
    const flag = `update rehome.tenant_flags set expires_at = now() + interval '1 minute'`
    expect((await world.source.pool.query(flag)).rowCount).toBe(1)
    const before = pagesAsked(world)
    await using _second = await world.work([plan])
    expect((await ended(world, runId)).get('acme')).toMatchObject({ phase: 'moved', attempt: 2 })
    const { events } = await world.rehome.show(runId ?? '', 'acme')
    expect(events.filter((event) => event.phase === 'preflight')).toHaveLength(1)
    // What had come is not asked for again.
    expect((pagesAsked(world) - before) * asking.pageRows).toBeLessThan(rows - 2_500)
    expect(await rowsAt(world, 'target', 'acme')).toEqual(await rowsAt(world, 'source', 'acme'))
    await expectHome(world, 'acme', 'target')
    expect((await moveOf(world, runId ?? '', 'acme')).rows_copied).toBe(String(rows))
  })
})

/** Read at the source, or written at the target where the source is a database. */
function pagesAsked({ ends: { source, target } }: HttpWorld): number {
  return source
    ? (source.asked.get('/rehome/v1/rows/read') ?? 0)
    : (target?.asked.get('/rehome/v1/rows/write') ?? 0)
}
