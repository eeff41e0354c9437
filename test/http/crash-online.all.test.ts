// A worker dies of SIGKILL at its requests of an online move, and of a rollback that keeps writes,
// where both ends are asked over HTTP: another goes on, and nothing that the tenant wrote is lost.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type CompiledProgram, compileProgram } from '../../dev/compiled-program.ts'
import { bothEnds, createHttpWorld, type HttpWorld } from '../helpers/http-world.ts'
import {
  allEnded,
  askFor,
  dieAt,
  findPlaces,
  type Interruption,
  moveAll,
  onlineOn,
  phasesOf,
} from '../helpers/interrupted.ts'
import { expectHome, rowsAt, writeAt } from '../helpers/runs.ts'
import { ownIds } from '../helpers/way-back.ts'

const timeout = 900_000
const backend = { name: 'postgres' } as const

let compiled: CompiledProgram
beforeAll(async () => {
  compiled = await compileProgram('test/helpers/worker-process.ts')
})
afterAll(async () => await compiled[Symbol.asyncDispose]())

async function worldToDieIn(): Promise<HttpWorld> {
  return await createHttpWorld({ over: bothEnds, plan: onlineOn(backend), target: ownIds })
}

function interruptionOf(
  world: HttpWorld,
  story: Pick<Interruption, 'prepare' | 'ask' | 'writes'>,
): Interruption {
  const { source, target } = world.plan()
  const changes = { ...onlineOn(backend), source, target }
  return { world, backend, file: compiled.file, changes, share: 3, ...story }
}

async function interrupt(world: HttpWorld, interruption: Interruption): Promise<string[]> {
  const { places } = await findPlaces(interruption)
  await dieAt(interruption, places)
  const worker = await world.work()
  await allEnded(world)
  await worker.close()
  return places.map(({ tenant }) => tenant)
}

test('anywhere in an online move over HTTP', { timeout }, async () => {
  await using world = await worldToDieIn()
  const prepare = async (some: readonly string[]) => {
    for (const tenant of some) await world.addTenant(tenant, 4)
  }
  const ask = (tenant: string) => world.rehome.enqueue(world.plan(), { tenants: [tenant] })
  const story = { prepare, ask, writes: 'SOURCE_URL' } as const
  const died = await interrupt(world, interruptionOf(world, story))
  expect(died.length).toBeGreaterThan(8)
  expect(await phasesOf(world, died)).toEqual(['moved'])
  for (const tenant of died) {
    expect(await rowsAt(world, 'target', tenant)).toEqual(await rowsAt(world, 'source', tenant))
    await expectHome(world, tenant, 'target')
  }
})

test('anywhere in a rollback over HTTP that keeps writes', { timeout }, async () => {
  await using world = await worldToDieIn()
  const prepare = async (some: readonly string[]) => {
    for (const tenant of some) await world.addTenant(tenant, 4)
    await moveAll(world, some)
    for (const tenant of some) await writeAt(world, 'target', tenant)
  }
  const ask = (tenant: string) => askFor(world, tenant, 'rollback')
  const story = { prepare, ask, writes: 'TARGET_URL' } as const
  const died = await interrupt(world, interruptionOf(world, story))
  expect(died.length).toBeGreaterThan(8)
  expect(await phasesOf(world, died)).toEqual(['rolled_back'])
  for (const tenant of died) {
    expect(await rowsAt(world, 'source', tenant)).toEqual(await rowsAt(world, 'target', tenant))
    await expectHome(world, tenant, 'source')
  }
})
