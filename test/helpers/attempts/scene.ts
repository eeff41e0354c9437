// A story in a world of its own: tenants for whom an errand is asked, attempts at it, the tenants'
// writes meanwhile, and what has to hold when all of it is over.
import { expect } from 'vitest'
import { inParallel } from '../../../src/parallel.ts'
import type { TestDatabase } from '../database.ts'
import type { CallPoint } from '../moments/call-points.ts'
import { isTimeToWrite, writesOf } from '../moments/meanwhile.ts'
import { writeAt } from '../runs.ts'
import type { World, WorldOptions } from '../world.ts'
import { type Attempts, openAttempts } from './attempts.ts'
import { Life } from './life.ts'
import { everythingOfEach, homesOf, modesOfEach, rowsAtHome, rowsOfEach } from './states.ts'
import { type Asked, type EndName, type Story, storeMoves, worldOf } from './stories.ts'

const bystander = 'bystander'
const tenantsAtOnce = 8

export type Fate = 'goes on' | 'dies' | 'stands still'

export interface Scene extends AsyncDisposable {
  readonly world: World
  readonly story: Story
  readonly attempts: Attempts
  /** Adds tenants, does with them what comes before the story, and asks for its errand. */
  arrange(tenants: readonly string[]): Promise<Asked[]>
  /** A life in which the tenant writes as the story says; `fateAt` is asked at each point. */
  lifeOf(tenant: string, fateAt: (point: CallPoint) => Fate): Life
  /** The bystander has been left alone. */
  expectBystander(): Promise<void>
}

export async function openScene(story: Story, options?: WorldOptions): Promise<Scene> {
  const world = await worldOf(story, options)
  await world.addTenant(bystander, 4)
  const before = await everythingOfEach(world, [bystander])
  const attempts = openAttempts(world)
  return {
    world,
    story,
    attempts,
    arrange: (tenants) => arrange({ world, story, attempts }, tenants),
    lifeOf: (tenant, fateAt) => lifeOf({ world, story }, tenant, fateAt),
    async expectBystander() {
      expect(await everythingOfEach(world, [bystander])).toEqual(before)
    },
    async [Symbol.asyncDispose]() {
      await attempts[Symbol.asyncDispose]()
      await world[Symbol.asyncDispose]()
    },
  }
}

function lifeOf(
  { world, story }: Pick<Scene, 'world' | 'story'>,
  tenant: string,
  fateAt: (point: CallPoint) => Fate,
): Life {
  let fate: Fate = 'goes on'
  return new Life((point, life) => {
    // Code that is held may run on to its next call.
    if (fate !== 'goes on') return
    fate = fateAt(point)
    const writes = story.writes && isTimeToWrite(point)
    if (fate === 'stands still' || writes) life.hold()
    if (!writes && fate === 'dies') life.die()
    if (!writes) return
    void writeAtHome(world, tenant).then(() => {
      if (fate === 'dies') life.die()
      if (fate === 'goes on') life.wake()
    })
  })
}

/** So many at once as a fleet's workers have under way. */
export async function eachAtOnce<T>(
  items: readonly T[],
  work: (item: T) => Promise<unknown>,
): Promise<void> {
  const { signal } = new AbortController()
  await inParallel(items, { limit: tenantsAtOnce, signal }, async (item) => void (await work(item)))
}

async function arrange(
  { world, story, attempts }: Pick<Scene, 'world' | 'story' | 'attempts'>,
  tenants: readonly string[],
): Promise<Asked[]> {
  for (const tenant of tenants) await world.addTenant(tenant, 4)
  const moves = await storeMoves(world, story, tenants)
  if (story.before) {
    await eachAtOnce(moves, ({ id }) => attempts.finish(id))
    await expectPhase(world, moves, story.before)
  }
  if (story.writesBefore) {
    for (const tenant of tenants) await writeAt(world, 'target', tenant)
  }
  await story.ask(world, moves)
  return moves
}

/** None of these errands is open, and all of them ended in this phase. */
export async function expectPhase(
  world: World,
  moves: readonly Asked[],
  phase: string,
): Promise<void> {
  const query = `select tenant_id, phase, open, error_message from rehome_control.moves
    where id = any ($1) and (open or phase <> $2)`
  const { rows } = await world.control.pool.query(query, [moves.map(({ id }) => id), phase])
  expect(rows).toEqual([])
}

/** The worker stands still as long as the tenant's transaction takes. */
async function writeAtHome(world: World, tenant: string): Promise<void> {
  const home = (await homesOf(world, [tenant])).get(tenant) ?? 'source'
  const client = await world[home].pool.connect()
  try {
    await client.query('begin')
    for (const statement of writesOf(tenant)) await client.query(statement)
    await client.query('commit')
  } finally {
    client.release(true)
  }
}

/**
 * Lets the leases of these tenants expire. The reaper looks after lapsed fences, and then each of
 * them can write at exactly one end, though no attempt goes on with it.
 */
export async function lapse(scene: Scene, tenants: readonly string[]): Promise<void> {
  const { world, story, attempts } = scene
  for (const end of [world.source, world.target]) {
    await end.pool.query(
      `update rehome.tenant_flags set expires_at = now() - interval '1 s' where tenant_id = any ($1)
        and (mode = 'read_only' or mode = 'capturing' and capture_until is null)`,
      [tenants],
    )
  }
  await attempts.reap()
  const homes = await homesOf(world, tenants)
  for (const tenant of tenants) {
    const isOver = story.away === 'same' && homes.get(tenant) === story.home
    await expectOneHome(world, tenant, { keeps: !story.silent && !isOver })
  }
}

/**
 * The tenant can write at its home, and nowhere else: the other end refuses what would be a row, or
 * has never had anything of the tenant's.
 */
export async function expectOneHome(
  world: World,
  tenant: string,
  { keeps }: { readonly keeps: boolean },
): Promise<EndName> {
  const home = (await homesOf(world, [tenant])).get(tenant) ?? 'source'
  const away = home === 'source' ? 'target' : 'source'
  const closed = (await modesOfEach(world, away, [tenant])).get(tenant) !== null
  const insert = `insert into visits values ($1, '2026-12-24', 0)`
  const update = `update notes set body = body || '.' where tenant_id = $1`
  const atHome = await tryWrite(world[home], { tenant, statement: update, keeps })
  const atAway = closed
    ? await tryWrite(world[away], { tenant, statement: insert, keeps })
    : (await rowsOfEach(world, away, [tenant])).get(tenant)
  expect([tenant, atHome, atAway]).toEqual([tenant, 'accepted', closed ? '25006' : []])
  return home
}

interface Write {
  readonly tenant: string
  readonly statement: string
  /** false: its transaction is rolled back. */
  readonly keeps: boolean
}

async function tryWrite(end: TestDatabase, { tenant, statement, keeps }: Write): Promise<string> {
  const client = await end.pool.connect()
  try {
    await client.query('begin')
    await client.query(statement, [tenant])
    await client.query(keeps ? 'commit' : 'rollback')
    return 'accepted'
  } catch (error) {
    return String((error as { code?: string }).code)
  } finally {
    client.release(true)
  }
}

/** Has attempts finish each errand, and compares what they leave with what the tenants had. */
export async function finishAll(scene: Scene, moves: readonly Asked[]): Promise<void> {
  const tenants = moves.map(({ tenant }) => tenant)
  const rows = await rowsAtHome(scene.world, tenants)
  await eachAtOnce(moves, ({ id }) => scene.attempts.finish(id))
  await expectEnded(scene, moves, rows)
}

/** `rows`: what each tenant has had at its home. */
export async function expectEnded(
  { world, story }: Scene,
  moves: readonly Asked[],
  rows: ReadonlyMap<string, readonly string[]>,
): Promise<void> {
  const tenants = moves.map(({ tenant }) => tenant)
  const away = story.home === 'source' ? 'target' : 'source'
  await expectPhase(world, moves, story.phase)
  const atHome = await rowsOfEach(world, story.home, tenants)
  expect(atHome).toEqual(rows)
  const leftAway = await rowsOfEach(world, away, tenants)
  if (story.away === 'same') expect(leftAway).toEqual(rows)
  for (const tenant of tenants) {
    if (story.away === 'none') expect([tenant, leftAway.get(tenant)]).toEqual([tenant, []])
    if (story.away === 'old') expect([tenant, leftAway.get(tenant)?.length]).toEqual([tenant, 33])
  }
  for (const end of ['source', 'target'] as const) {
    const modes = new Map(tenants.map((tenant) => [tenant, story.flags[end]]))
    expect(await modesOfEach(world, end, tenants)).toEqual(modes)
  }
  await story.expectMore?.(world, tenants)
  for (const tenant of tenants) {
    expect(await expectOneHome(world, tenant, { keeps: true })).toBe(story.home)
  }
}
