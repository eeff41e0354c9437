/** Findings about the control database and the queue: moves that no worker carries out. */
import type { Control, Move } from '../../control/database.ts'
import { type UnfedMove, unfedMoves } from '../../control/fleet/next-moves.ts'
import { openByPlan, runsAtWork, unpublishedMoves, untouchedMoves } from '../../control/health.ts'
import { inLists } from '../../parallel.ts'
import { jobIdOf } from '../../queue/jobs.ts'
import type { Queues } from '../../queue/queues.ts'
import { show } from '../tenants.ts'
import { type Diagnosis, named } from './diagnosis.ts'

const queueName = 'the queue'

interface Stores {
  readonly control: Control
  readonly queues: Queues
}

/** A worker touches a move at each phase and each few chunks, and looks for lost ones every 5 s. */
export async function diagnoseMoves(at: Stores, oldS: number): Promise<Diagnosis[]> {
  const moves = await untouchedMoves(at.control, oldS)
  const unfed = await unfedMoves(at.control, { untouchedS: oldS, most: namedMax })
  const missing = await withoutJob(at, moves)
  const runIds = new Set([...moves, ...unfed].map((move) => move.run_id))
  const atWork = await runsAtWork(at.control, [...runIds], oldS)
  const untouched = [...moves.filter((move) => !missing.includes(move)), ...unfed]
  const waiting = untouched.filter((move) => !hasTurn(move, atWork))
  const unpublished = await unpublishedMoves(at.control)
  const isOpen = new Set(unpublished.map(({ id }) => id))
  const closed = moves.filter(
    ({ id, phase }) => /^(undo_)?(cutover|release)$/.test(phase) && !isOpen.has(id),
  )
  const worker = 'start a worker with the plan: `rehome worker PLAN`'
  return [
    ...each(missing, (names) => ({
      kind: 'job-missing',
      where: queueName,
      message: `${named(names, 'open moves have no job that will run')}`,
      mend: `${worker}, which gives them their jobs again`,
    })),
    ...each(waiting, (names) => ({
      kind: 'move-waits',
      where: queueName,
      message: `no worker has touched ${named(names, `open moves for ${oldS} s`)}`,
      mend: worker,
    })),
    ...each(closed, (names) => ({
      kind: 'home-closed',
      where: 'both ends',
      message: `${named(names, 'tenants are past the decision of a cutover and may be refused at both ends')}`,
      mend: `${worker}; it opens their home first`,
    })),
    ...each(unpublished, (names) => ({
      kind: 'directory-outdated',
      where: 'plan field `cutover`',
      message: `${named(names, "tenants work at homes that the application's directory lacks")}: ${unpublished[0]?.error_message}`,
      mend: 'mend what that names; a worker tries it again within a minute',
    })),
  ]
}

/** Moves without a job are named up to here. */
const namedMax = 200

/** It waits behind others of its plan, which a worker carries out. */
function hasTurn({ phase, run_id: run }: UnfedMove, atWork: ReadonlySet<string>): boolean {
  return phase === 'queued' && atWork.has(run)
}

function each(
  moves: readonly UnfedMove[],
  make: (names: readonly string[]) => Diagnosis,
): Diagnosis[] {
  return moves.length === 0 ? [] : [make(moves.map(nameOf))]
}

function nameOf({ tenant_id: tenant, run_id: run }: UnfedMove): string {
  return `${show(tenant)} of run ${run}`
}

async function withoutJob({ queues }: Stores, moves: readonly Move[]): Promise<Move[]> {
  const states = await Promise.all(moves.map(async (move) => await stateOfJob(queues, move)))
  return moves.filter((_, i) => states[i] === null)
}

/** Open moves that no worker has touched for so long, and that have no job. */
export async function movesWithoutJob(at: Stores, oldS: number): Promise<Move[]> {
  const moves: Move[] = []
  for (const some of inLists(await untouchedMoves(at.control, oldS, 100_000), () => 1, {
    most: 200,
  })) {
    moves.push(...(await withoutJob(at, some)))
  }
  return moves
}

/** null: there is none, or it is over. */
async function stateOfJob(queues: Queues, move: Move): Promise<string | null> {
  const job = await queues.byErrand[move.errand].getJob(jobIdOf(move))
  const state = job ? await job.getState() : 'unknown'
  return ['unknown', 'completed', 'failed'].includes(state) ? null : state
}

export async function diagnoseQueues({ byErrand, evictionPolicy }: Queues): Promise<Diagnosis[]> {
  const all = [...new Set(Object.values(byErrand))]
  const paused = await Promise.all(all.map(async (queue) => await queue.isPaused()))
  const diagnoses: Diagnosis[] = all
    .filter((_, i) => paused[i])
    .map(({ name }) => ({
      kind: 'queue-paused',
      where: queueName,
      message: `queue "${name}" is paused: no worker takes its jobs`,
      mend: `resume it on the board: \`rehome board\`, /queue/${name}`,
    }))
  const policy = await evictionPolicy()
  if (policy !== null && policy !== 'noeviction') {
    diagnoses.push({
      kind: 'queue-eviction',
      where: 'Redis',
      message: `maxmemory-policy is "${policy}": Redis may drop jobs when its memory is full`,
      mend: '`redis-cli config set maxmemory-policy noeviction`, and the same in its configuration',
    })
  }
  return diagnoses
}

export interface KnownPlan {
  readonly name: string
  readonly fingerprint: string
}

/** Open moves that workers with these plans leave to others. */
export async function diagnosePlans(
  control: Control,
  plans: readonly KnownPlan[],
): Promise<Diagnosis[]> {
  const open = await openByPlan(control)
  return open.flatMap(({ planName, fingerprint, runId, moves }): Diagnosis[] => {
    const plan = plans.find(({ name }) => name === planName)
    if (!plan || plan.fingerprint === fingerprint) return []
    return [
      {
        kind: 'plan-differs',
        where: `plan "${planName}"`,
        message: `${moves} open moves, of run ${runId} and perhaps others, need another version of it`,
        mend: `start a worker with the version that they were enqueued with; or stop those that have it, \`rehome cancel ${runId} --all\`, and enqueue anew`,
      },
    ]
  })
}
