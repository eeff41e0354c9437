// A worker dies of SIGKILL at each of its remote calls, another goes on: no row is lost, no tenant
// has two homes or none, nobody else is touched. The places are not listed here but heard: whatever
// a worker comes to say to a database is one of them.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type CompiledProgram, compileProgram } from '../dev/compiled-program.ts'
import { describeOnBackends, type QueueBackend } from './helpers/backends.ts'
import {
  allEnded,
  askFor,
  changesOn,
  dieAt,
  findPlaces,
  type Interruption,
  moveAll,
  onlineOn,
  phasesOf,
  rehearse,
} from './helpers/interrupted.ts'
import { expectHome, flagsAt, rowsAt, tryWrite, writeAt } from './helpers/runs.ts'
import { house } from './helpers/tidy/house.ts'
import { phasesOf as phasesIn } from './helpers/tidy/words.ts'
import { ownIds } from './helpers/way-back.ts'
import { createWorld, type World, type WorldOptions } from './helpers/world.ts'

const timeout = 1_800_000
const rowsOfTenant = 1 + 4 + 8 + 20

let compiled: CompiledProgram
const diedIn = new Set<string>()
beforeAll(async () => {
  compiled = await compileProgram('test/helpers/worker-process.ts')
})
afterAll(async () => await compiled[Symbol.asyncDispose]())

async function worldWithBystander(backend: QueueBackend, options: WorldOptions = {}) {
  const world = await createWorld({ plan: changesOn(backend), ...options, backend })
  await world.addTenant('bystander', 4)
  return world
}

/** Tenants that have moved online, and have written at the target since. */
async function movedWorld(backend: QueueBackend) {
  const plan = onlineOn(backend)
  const world = await worldWithBystander(backend, { plan, target: ownIds })
  const prepare = async (tenants: readonly string[]) => {
    for (const tenant of tenants) await world.addTenant(tenant, 4)
    await moveAll(world, tenants)
    for (const tenant of tenants) await writeAt(world, 'target', tenant)
  }
  const story = { prepare, changes: plan, writes: 'TARGET_URL' } as const
  // What both errands do, rollbacks do as well.
  const fewer = { ...story, share: 4 }
  return { world, story, fewer, [Symbol.asyncDispose]: () => world[Symbol.asyncDispose]() }
}

function interruptionOf(
  world: World,
  backend: QueueBackend,
  story: Pick<Interruption, 'prepare' | 'ask'> & Partial<Interruption>,
): Interruption {
  return { world, backend, file: compiled.file, changes: changesOn(backend), ...story }
}

/** Dies everywhere, lets a worker finish all of it, and returns whose errands they were. */
async function interrupt(interruption: Interruption): Promise<string[]> {
  const { world } = interruption
  const { places } = await findPlaces(interruption)
  const bystander = await rowsAt(world, 'source', 'bystander')
  await dieAt(interruption, places)
  for (const { at } of places) diedIn.add(at.split(' ')[1] ?? '')
  const worker = await world.work()
  await allEnded(world)
  await worker.close()
  expect(await rowsAt(world, 'source', 'bystander')).toEqual(bystander)
  expect(await rowsAt(world, 'target', 'bystander')).toEqual([])
  return places.map(({ tenant }) => tenant)
}

describeOnBackends('a worker that is killed', (backend) => {
  test('anywhere in a move is followed by one that finishes it', { timeout }, async () => {
    await using world = await worldWithBystander(backend)
    const add = async (tenants: readonly string[]) => {
      for (const tenant of tenants) await world.addTenant(tenant, 4)
    }
    const ask = (tenant: string) => world.rehome.enqueue(world.plan(), { tenants: [tenant] })
    const tenants = await interrupt(interruptionOf(world, backend, { prepare: add, ask }))
    expect(tenants.length).toBeGreaterThan(20)
    expect(await phasesOf(world, tenants)).toEqual(['moved'])
    for (const tenant of tenants) {
      const rows = await rowsAt(world, 'source', tenant)
      expect(rows).toHaveLength(rowsOfTenant)
      expect(await rowsAt(world, 'target', tenant)).toEqual(rows)
      await expectHome(world, tenant, 'target')
    }
    expect(await flagsAt(world, 'target')).toEqual([])
  })

  test('anywhere in an online move is followed by one that finishes it', { timeout }, async () => {
    const plan = onlineOn(backend)
    await using world = await worldWithBystander(backend, { plan })
    const add = async (tenants: readonly string[]) => {
      for (const tenant of tenants) await world.addTenant(tenant, 4)
    }
    const ask = (tenant: string) => world.rehome.enqueue(world.plan(), { tenants: [tenant] })
    const story = { prepare: add, ask, changes: plan, writes: 'SOURCE_URL' } as const
    const tenants = await interrupt(interruptionOf(world, backend, story))
    expect(tenants.length).toBeGreaterThan(25)
    expect(await phasesOf(world, tenants)).toEqual(['moved'])
    for (const tenant of tenants) {
      const rows = await rowsAt(world, 'source', tenant)
      expect(await rowsAt(world, 'target', tenant)).toEqual(rows)
      await expectHome(world, tenant, 'target')
    }
    const captured = [...tenants, 'first'].map((tenant) => [tenant, 'capturing'])
    expect(await flagsAt(world, 'target')).toEqual(captured.sort())
  })

  test('anywhere in a rollback that keeps writes is followed', { timeout }, async () => {
    await using at = await movedWorld(backend)
    const ask = (tenant: string) => askFor(at.world, tenant, 'rollback')
    const tenants = await interrupt(interruptionOf(at.world, backend, { ...at.story, ask }))
    expect(tenants.length).toBeGreaterThan(20)
    expect(await phasesOf(at.world, tenants)).toEqual(['rolled_back'])
    for (const tenant of tenants) {
      const rows = await rowsAt(at.world, 'target', tenant)
      expect(rows.length).toBeGreaterThan(rowsOfTenant)
      expect(await rowsAt(at.world, 'source', tenant)).toEqual(rows)
      await expectHome(at.world, tenant, 'source')
    }
  })

  test('anywhere in a rehearsal is followed by one that leaves nothing', { timeout }, async () => {
    await using world = await worldWithBystander(backend)
    const prepare = async (tenants: readonly string[]) => {
      for (const tenant of tenants) await world.addTenant(tenant, 4)
    }
    const ask = (tenant: string) => rehearse(world, tenant)
    const tenants = await interrupt(interruptionOf(world, backend, { prepare, ask, share: 4 }))
    expect(await phasesOf(world, tenants)).toEqual(['rehearsed'])
    expect(await flagsAt(world, 'target')).toEqual([])
    for (const tenant of tenants) {
      expect(await rowsAt(world, 'target', tenant)).toEqual([])
      expect(await tryWrite(world, 'source', tenant)).toBe('accepted')
    }
  })

  test('anywhere in an audit is followed by one that finishes it', { timeout }, async () => {
    await using at = await movedWorld(backend)
    const ask = (tenant: string) => askFor(at.world, tenant, 'audit')
    const tenants = await interrupt(interruptionOf(at.world, backend, { ...at.fewer, ask }))
    expect(await phasesOf(at.world, tenants)).toEqual(['moved'])
    for (const tenant of tenants) {
      expect(await rowsAt(at.world, 'source', tenant)).toHaveLength(rowsOfTenant)
      await expectHome(at.world, tenant, 'target')
    }
  })

  test('anywhere in the end of a window is followed by one that ends it', { timeout }, async () => {
    await using at = await movedWorld(backend)
    const ask = (tenant: string) => askFor(at.world, tenant, 'finalize')
    const tenants = await interrupt(interruptionOf(at.world, backend, { ...at.fewer, ask }))
    for (const tenant of tenants) await expectHome(at.world, tenant, 'target')
    const logged = (await flagsAt(at.world, 'target')).map(([tenant]) => tenant)
    expect(tenants.filter((tenant) => logged.includes(tenant))).toEqual([])
  })

  test('anywhere in a rollback is followed by one that finishes it', { timeout }, async () => {
    await using world = await worldWithBystander(backend)
    const prepare = async (tenants: readonly string[]) => {
      for (const tenant of tenants) await world.addTenant(tenant, 4)
      await moveAll(world, tenants)
    }
    const ask = (tenant: string) => askFor(world, tenant, 'rollback')
    const tenants = await interrupt(interruptionOf(world, backend, { prepare, ask }))
    expect(tenants.length).toBeGreaterThan(8)
    expect(await phasesOf(world, tenants)).toEqual(['rolled_back'])
    for (const tenant of tenants) {
      expect(await rowsAt(world, 'source', tenant)).toHaveLength(rowsOfTenant)
      await expectHome(world, tenant, 'source')
    }
    expect((await flagsAt(world, 'source')).filter(([, mode]) => mode !== 'moved')).toEqual([])
  })

  test('anywhere in a withdrawal is followed by one that finishes it', { timeout }, async () => {
    const target = `alter table notes add constraint small check (amount < 4)`
    await using world = await worldWithBystander(backend, { target })
    const prepare = async (tenants: readonly string[]) => {
      for (const tenant of tenants) await world.addTenant(tenant, 4)
      await moveAll(world, tenants)
      expect(await phasesOf(world, tenants)).toEqual(['failed'])
    }
    const ask = (tenant: string) => askFor(world, tenant, 'rollback')
    const tenants = await interrupt(interruptionOf(world, backend, { prepare, ask }))
    expect(await phasesOf(world, tenants)).toEqual(['rolled_back'])
    for (const tenant of tenants) {
      expect(await rowsAt(world, 'source', tenant)).toHaveLength(rowsOfTenant)
      expect(await rowsAt(world, 'target', tenant)).toEqual([])
    }
    expect(await flagsAt(world, 'source')).toEqual([])
    expect(await flagsAt(world, 'target')).toEqual([])
  })

  test('anywhere in a clean-up is followed by one that finishes it', { timeout }, async () => {
    await using world = await worldWithBystander(backend)
    const prepare = async (tenants: readonly string[]) => {
      for (const tenant of tenants) await world.addTenant(tenant, 4)
      await moveAll(world, tenants)
    }
    const ask = (tenant: string) => askFor(world, tenant, 'cleanup')
    const tenants = await interrupt(interruptionOf(world, backend, { prepare, ask }))
    expect(await phasesOf(world, tenants)).toEqual(['cleaned'])
    for (const tenant of tenants) {
      expect(await rowsAt(world, 'source', tenant)).toEqual([])
      expect(await rowsAt(world, 'target', tenant)).toHaveLength(rowsOfTenant)
    }
  })
})

test('there is no phase in which no worker has died', () => {
  const { working } = phasesIn(house)
  expect(working.length).toBeGreaterThan(12)
  // A move that is queued is no worker's yet.
  expect(working.filter((phase) => phase !== 'queued' && !diedIn.has(phase))).toEqual([])
})
