// A worker that is stopped (SIGSTOP) at any of its remote calls, and wakes up when another has
// finished its work and the tenant has gone on writing, changes nothing at either end.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type CompiledProgram, compileProgram } from '../dev/compiled-program.ts'
import { describeOnBackends, type QueueBackend } from './helpers/backends.ts'
import { eventually } from './helpers/eventually.ts'
import { type FailingWorker, startFailing } from './helpers/failing-worker.ts'
import {
  allEnded,
  askFor,
  changesOn,
  findPlaces,
  type Interruption,
  moveAll,
  onlineOn,
  type Place,
} from './helpers/interrupted.ts'
import { rowsAt, tryWrite, writeAt } from './helpers/runs.ts'
import { ownIds } from './helpers/way-back.ts'
import { createWorld, type World } from './helpers/world.ts'

const timeout = 1_800_000
const atOnce = 12

let compiled: CompiledProgram
beforeAll(async () => {
  compiled = await compileProgram('test/helpers/worker-process.ts')
})
afterAll(async () => await compiled[Symbol.asyncDispose]())

/** One process a place, each standing still there. */
async function standStillAt(
  interruption: Interruption,
  places: readonly Place[],
): Promise<FailingWorker[]> {
  const { world, ask } = interruption
  const standing: FailingWorker[] = []
  for (const place of places) {
    const failure = { ...place, signal: 'SIGSTOP' } as const
    const worker = startFailing(world, failure, interruption)
    standing.push(worker)
    await worker.begin()
    await ask(place.tenant)
    await eventually(() => expect(worker.points.at(-1)).toMatchObject({ stopped: true }))
  }
  return standing
}

/** All that the tenant has at both ends: rows, flags and who acts there. */
async function stateOf(world: World, tenant: string): Promise<unknown> {
  const about = async (end: 'source' | 'target') => {
    const flags = `select f::text from rehome.tenant_flags f where tenant_id = $1`
    const progress = `select p::text from rehome.copy_progress p where tenant_id = $1 order by 1`
    const turns = `select t::text from rehome.turns t where tenant_id = $1`
    const rows = await rowsAt(world, end, tenant)
    const queries = [flags, progress, turns].map((q) => world[end].pool.query(q, [tenant]))
    return [rows, (await Promise.all(queries)).map((result) => result.rows)]
  }
  return { source: await about('source'), target: await about('target') }
}

async function wake(interruption: Interruption, places: readonly Place[]): Promise<void> {
  const { world } = interruption
  const standing = await standStillAt(interruption, places)
  const worker = await world.work()
  await allEnded(world)
  for (const { tenant } of places) {
    const written = [
      await tryWrite(world, 'source', tenant),
      await tryWrite(world, 'target', tenant),
    ]
    expect(written.toSorted()).toEqual(['25006 rehome:fenced', 'accepted'])
  }
  const before = await Promise.all(places.map(({ tenant }) => stateOf(world, tenant)))
  for (const { process } of standing) process.kill('SIGCONT')
  for (const { process } of standing) process.kill('SIGTERM')
  for (const { ended } of standing) await ended
  const after = await Promise.all(places.map(({ tenant }) => stateOf(world, tenant)))
  for (const [i, { at }] of places.entries()) expect([at, after[i]]).toEqual([at, before[i]])
  await worker.close()
}

async function wakeEverywhere(interruption: Interruption): Promise<void> {
  const { places } = await findPlaces(interruption)
  expect(places.length).toBeGreaterThan(5)
  for (let i = 0; i < places.length; i += atOnce) {
    await wake(interruption, places.slice(i, i + atOnce))
  }
}

function storyOf(world: World, backend: QueueBackend, changes = changesOn(backend)) {
  return { world, backend, file: compiled.file, changes }
}

describeOnBackends('a worker that stood still', (backend) => {
  test('anywhere in a move changes nothing when it wakes up', { timeout }, async () => {
    await using world = await createWorld({ backend, plan: changesOn(backend) })
    const prepare = async (tenants: readonly string[]) => {
      for (const tenant of tenants) await world.addTenant(tenant, 4)
    }
    const ask = (tenant: string) => world.rehome.enqueue(world.plan(), { tenants: [tenant] })
    await wakeEverywhere({ ...storyOf(world, backend), prepare, ask })
  })

  test('anywhere in an online move changes nothing when it wakes up', { timeout }, async () => {
    const plan = onlineOn(backend)
    await using world = await createWorld({ backend, plan })
    const prepare = async (tenants: readonly string[]) => {
      for (const tenant of tenants) await world.addTenant(tenant, 4)
    }
    const ask = (tenant: string) => world.rehome.enqueue(world.plan(), { tenants: [tenant] })
    await wakeEverywhere({
      ...storyOf(world, backend, plan),
      writes: 'SOURCE_URL',
      share: 4,
      prepare,
      ask,
    })
  })

  test('anywhere in a rollback that keeps writes changes nothing', { timeout }, async () => {
    const plan = onlineOn(backend)
    await using world = await createWorld({ backend, plan, target: ownIds })
    const prepare = async (tenants: readonly string[]) => {
      for (const tenant of tenants) await world.addTenant(tenant, 4)
      await moveAll(world, tenants)
      for (const tenant of tenants) await writeAt(world, 'target', tenant)
    }
    const ask = (tenant: string) => askFor(world, tenant, 'rollback')
    const writes = 'TARGET_URL'
    await wakeEverywhere({ ...storyOf(world, backend, plan), writes, share: 4, prepare, ask })
  })

  test('anywhere in a rollback changes nothing when it wakes up', { timeout }, async () => {
    await using world = await createWorld({ backend, plan: changesOn(backend) })
    const prepare = async (tenants: readonly string[]) => {
      for (const tenant of tenants) await world.addTenant(tenant, 4)
      await moveAll(world, tenants)
    }
    const ask = (tenant: string) => askFor(world, tenant, 'rollback')
    await wakeEverywhere({ ...storyOf(world, backend), prepare, ask })
  })
})
