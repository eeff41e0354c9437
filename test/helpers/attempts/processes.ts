// Real worker processes that die, or stand still, at a remote call: what test/helpers/attempts/
// life.ts does within one process, shown to be what signals do.
import { expect } from 'vitest'
import { findMove } from '../../../src/control/moves.ts'
import { findRun } from '../../../src/control/runs/runs.ts'
import type { PlanInput } from '../../../src/plan/plan.ts'
import { ensureJob } from '../../../src/queue/jobs.ts'
import type { QueueBackend } from '../backends.ts'
import { eventually } from '../eventually.ts'
import { phaseOf } from '../moments/call-points.ts'
import { type FailingWorker, startFailing } from '../processes/failing-worker.ts'
import { oneOf } from '../rotation.ts'
import { listen } from './deaths.ts'
import { expectEnded, expectOneHome, openScene, type Scene } from './scene.ts'
import { everythingOfEach, rowsOfEach } from './states.ts'
import type { Asked, Story } from './stories.ts'

export interface Failing {
  readonly story: Story
  readonly backend: QueueBackend
  /** A compiled test/helpers/processes/worker-process.ts. */
  readonly file: string
  readonly phases: readonly string[]
}

/** Where the fence outlives the worker it is taken over; where it lapses the move starts over. */
function planOf({ story, backend }: Failing): Partial<PlanInput> {
  const leaseMs = backend.name === 'redis' ? 600_000 : 1_000
  return { ...story.plan, fence: { leaseMs, drainMs: 2_000 } }
}

async function openFor(failing: Failing): Promise<Scene> {
  return await openScene(failing.story, { plan: planOf(failing), backend: failing.backend })
}

/** One process after the other dies of SIGKILL, at a call in each of the phases. */
export async function killEach(failing: Failing): Promise<string[]> {
  await using scene = await openFor(failing)
  const places = await placesIn(scene, failing.phases)
  const moves: Asked[] = []
  for (const place of places) {
    const { worker, move } = await begin(scene, failing, { at: place, signal: 'SIGKILL' })
    moves.push(move)
    expect([place, await worker.ended]).toEqual([place, 'SIGKILL'])
  }
  await using _survivor = await scene.world.work()
  await allEnded(scene, moves)
  const tenants = moves.map(({ tenant }) => tenant)
  await expectEnded(scene, moves, await rowsOfEach(scene.world, scene.story.home, tenants))
  await scene.expectBystander()
  return places
}

/** Processes stand still (SIGSTOP), and go on when all is over. */
export async function stopEach(failing: Failing): Promise<string[]> {
  await using scene = await openFor(failing)
  const { world, story } = scene
  const places = await placesIn(scene, failing.phases)
  const standing: { worker: FailingWorker; move: Asked }[] = []
  for (const place of places) {
    const begun = await begin(scene, failing, { at: place, signal: 'SIGSTOP' })
    standing.push(begun)
    await begun.worker.failing
  }
  const moves = standing.map(({ move }) => move)
  const tenants = moves.map(({ tenant }) => tenant)
  await using _survivor = await world.work()
  await allEnded(scene, moves)
  for (const tenant of tenants) {
    expect(await expectOneHome(world, tenant, { keeps: true })).toBe(story.home)
  }
  const before = await everythingOfEach(world, tenants)
  for (const { worker } of standing) worker.process.kill('SIGCONT')
  for (const { worker } of standing) worker.process.kill('SIGTERM')
  for (const { worker } of standing) await worker.ended
  expect(await everythingOfEach(world, tenants)).toEqual(before)
  await scene.expectBystander()
  return places
}

/** One in each phase, among those where every worker comes. */
async function placesIn(scene: Scene, phases: readonly string[]): Promise<string[]> {
  const points = await listen(scene)
  return phases.flatMap((phase, i) => {
    const inPhase = points
      .map(({ place }) => place)
      .filter((place) => phaseOf(place) === phase && / 1 of /.test(place))
      // What a worker asks before it knows for whom is not told of a tenant.
      .filter((place) => !place.includes(' queued control '))
    expect([phase, inPhase.length]).not.toEqual([phase, 0])
    return oneOf(inPhase, i)
  })
}

let tenants = 0

/** A process that will fail at this place, and a tenant whose job it takes. */
async function begin(
  scene: Scene,
  failing: Failing,
  failure: { readonly at: string; readonly signal: 'SIGKILL' | 'SIGSTOP' },
): Promise<{ worker: FailingWorker; move: Asked }> {
  const { world } = scene
  const tenant = `tenant ${tenants++}`
  const { story, file } = failing
  const home = story.before ? ('TARGET_URL' as const) : ('SOURCE_URL' as const)
  const program = { file, changes: planOf(failing), ...(story.writes && { writes: home }) }
  const worker = startFailing(world, { tenant, ...failure }, program)
  const [move] = await scene.arrange([tenant])
  if (!move) throw new Error('there is no move')
  await giveJob(scene, move)
  await worker.begin()
  return { worker, move }
}

async function giveJob({ world: { rehome } }: Scene, { id }: Asked): Promise<void> {
  const move = await findMove(rehome.control, id)
  const run = move && (await findRun(rehome.control, move.run_id))
  if (run) await ensureJob(rehome.queues, move, { run })
}

async function allEnded({ world }: Scene, moves: readonly Asked[]): Promise<void> {
  const query = 'select tenant_id, phase from rehome_control.moves where open and id = any ($1)'
  const look = async () => {
    const { rows } = await world.control.pool.query(query, [moves.map(({ id }) => id)])
    expect(rows).toEqual([])
  }
  await eventually(look, { withinMs: 120_000 })
}
