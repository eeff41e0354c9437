// Errands that are interrupted at every place of a worker's life, each for a tenant of its own.
import { expect } from 'vitest'
import { storeRehearsal } from '../../src/coordinator/enqueue.ts'
import { audit } from '../../src/coordinator/errands.ts'
import { closeEnds, openEnds } from '../../src/coordinator/installation.ts'
import { checkPlan } from '../../src/plan/check-plan.ts'
import type { PlanInput } from '../../src/plan/plan.ts'
import { ensureJob } from '../../src/queue/jobs.ts'
import type { QueueBackend } from './backends.ts'
import type { CallPoint } from './call-points.ts'
import { eventually } from './eventually.ts'
import {
  type FailingWorker,
  type Failure,
  type Program,
  placesOf,
  pointsOf,
  startFailing,
} from './failing-worker.ts'
import { ended } from './runs.ts'
import type { World } from './world.ts'

// Otherwise each backend has its share of the places that differ.
const every = process.env.CRASH_POINTS === 'all'

/** `file`: a compiled worker-process. */
export interface Interruption extends Program {
  readonly world: World
  readonly backend: QueueBackend
  /** Each backend takes one of so many places. Default 2: the two of them take all. */
  readonly share?: number
  /** What has to be done for these tenants before. */
  prepare(tenants: readonly string[]): Promise<void>
  ask(tenant: string): Promise<unknown>
}

export interface Place {
  readonly at: string
  readonly tenant: string
}

/** Leases are renewed as time goes by: whether a worker comes there is chance. */
function isPeriodic(at: string): boolean {
  return at.endsWith('/renew-lease')
}

/** Runs the errand once, for the tenant `first`, and prepares a tenant for each place in it. */
export async function findPlaces(
  interruption: Interruption,
): Promise<{ places: Place[]; points: readonly CallPoint[] }> {
  const { world, backend, share = 2 } = interruption
  await interruption.prepare(['first'])
  const worker = startFailing(world, { tenant: 'first' }, interruption)
  const points = await pointsOf(worker, async () => {
    await interruption.ask('first')
    await allEnded(world)
  })
  const places = placesOf(points, every ? 'every' : 'distinct')
    .filter((at) => !isPeriodic(at))
    .map((at, i) => ({ at, tenant: `tenant ${i}` }))
    .filter((_, i) => every || i % share === (backend.name === 'redis' ? 0 : 1))
  await interruption.prepare(places.map(({ tenant }) => tenant))
  return { places, points }
}

/**
 * Kills one process at each place. The next one is loaded while one dies. What a slow moment has
 * made the first worker say, others may never come to: of those there are but few.
 */
export async function dieAt(interruption: Interruption, places: readonly Place[]): Promise<void> {
  const { world, ask } = interruption
  const start = (place: Failure | undefined) => place && startFailing(world, place, interruption)
  const missed: string[] = []
  let next = start(places[0])
  for (const [i, { at, tenant }] of places.entries()) {
    const worker = next
    next = start(places[i + 1])
    await worker?.begin()
    await ask(tenant)
    if (!(await diedOf(world, { at, tenant, worker }))) missed.push(at)
  }
  expect(missed.length, missed.join('\n')).toBeLessThanOrEqual(places.length / 10)
}

/** false: the tenant's errand ended without coming to the place. */
async function diedOf(
  world: World,
  { at, tenant, worker }: Place & { worker: FailingWorker | undefined },
): Promise<boolean> {
  const query = 'select phase, open from rehome_control.moves where tenant_id = $1'
  let looks = 0
  const look = async () => {
    if (worker?.process.signalCode === 'SIGKILL') return true
    const move = (await world.control.pool.query(query, [tenant])).rows[0]
    // It may be about to die of what it has just said.
    looks = move.open ? 0 : looks + 1
    if (looks > 50) return false
    throw new Error(`${at}: the worker did not come there, and its errand is open (${move.phase})`)
  }
  const died = await eventually(look, { withinMs: 120_000 })
  worker?.process.kill('SIGKILL')
  await worker?.ended
  return died
}

/** Audits, too. */
export async function allEnded(world: World): Promise<void> {
  const runs = await world.control.pool.query('select id from rehome_control.runs')
  for (const { id } of runs.rows) await ended(world, id)
  const open = 'select tenant_id, errand, phase from rehome_control.moves where open'
  const look = async () => expect((await world.control.pool.query(open)).rows).toEqual([])
  await eventually(look, { withinMs: 120_000 })
}

/** Has them moved by a worker of this process. */
export async function moveAll(world: World, tenants: readonly string[]): Promise<void> {
  const worker = await world.work()
  await world.rehome.enqueue(world.plan(), { tenants: [...tenants] })
  await allEnded(world)
  await worker.close()
}

/** The distinct phases that moves stand in. */
export async function phasesOf(world: World, tenants: readonly string[]): Promise<string[]> {
  const query = 'select distinct phase from rehome_control.moves where tenant_id = any ($1)'
  const result = await world.control.pool.query(query, [tenants])
  return result.rows.map((row: { phase: string }) => row.phase)
}

/** Where the fence outlives the worker it is taken over; where it lapses the move starts over. */
export function changesOn(backend: QueueBackend): Partial<PlanInput> {
  const leaseMs = backend.name === 'redis' ? 600_000 : 1_000
  return { chunkRows: 6, fence: { leaseMs, drainMs: 2_000 }, attempts: 9 }
}

/** The same for tenants that go on writing. */
export function onlineOn(backend: QueueBackend): Partial<PlanInput> {
  return { ...changesOn(backend), strategy: 'online', pause: { budgetMs: 60_000, attempts: 9 } }
}

/** Asks for an errand of the tenant's latest move. */
export async function askFor(
  world: World,
  tenant: string,
  errand: 'rollback' | 'audit' | 'finalize' | 'cleanup',
): Promise<void> {
  const query = 'select * from rehome_control.moves where tenant_id = $1'
  const [move] = (await world.control.pool.query(query, [tenant])).rows
  if (errand === 'audit') await audit(world.rehome, [move], 'tester')
  else await world.rehome[errand](move.run_id, { tenants: [tenant] })
}

/** By a worker, as where whoever asked for it has died. */
export async function rehearse(world: World, tenant: string): Promise<void> {
  const { control, queues } = world.rehome
  const plan = checkPlan(world.plan())
  const ends = openEnds(plan, world.environment)
  try {
    const { runId } = await storeRehearsal({ control }, { plan, ends }, { tenant, by: 'tester' })
    const { run, move } = await world.rehome.show(runId, tenant)
    await ensureJob(queues, move, { run })
  } finally {
    await closeEnds(ends)
  }
}
