/**
 * The waves of runs under way. The workers look after them in turn; each step is one conditional
 * update, so it does not matter if two of them do, or which of them dies.
 */
import type { Control, Run } from '../control/database.ts'
import { addRunEvent, steerRun } from '../control/steer.ts'
import {
  approveWave,
  claimWaves,
  endWave,
  leaveWaves,
  openWave,
  stopCounts,
  unauditedMoves,
  type WaveCounts,
  waveCounts,
  wavesOf,
  wavingRuns,
} from '../control/waves.ts'
import { tellWaiting } from '../control/webhooks.ts'
import { RehomeError } from '../errors.ts'
import { stopReason, type Verdict, verdictOn, type WaveState } from '../plan/waves.ts'
import { ensureJobs } from '../queue/limits.ts'
import type { Queues } from '../queue/queues.ts'
import { audit } from './ask-errands.ts'
import { knownRun } from './errand-choice.ts'
import { feed } from './fleet/feed.ts'
import { beginCheck, type KnownPlan } from './fleet/gate-check.ts'

interface At {
  readonly control: Control
  readonly queues: Queues
  /** Plans whose checks can be asked here. */
  readonly plans?: readonly KnownPlan[] | undefined
}

const plan = 'the plan'

export interface AdvanceOptions {
  /** Rest between two looks, over all workers. A look that takes long is rested from for longer. */
  readonly everyMs: number
  /** A run that cannot be looked after now; the others are. */
  readonly onError: (error: unknown, runId: string) => void
}

/** Counting the moves of large runs takes about this share of one session's time at most. */
const busyShare = 1 / 20
/** A look that is over within this is not rested from. */
const quickMs = 100

/**
 * Stops runs, and lets further waves begin, by what has come of their moves. Does nothing while
 * another worker looks, or the last look is not long ago.
 */
export async function advanceRuns(at: At, { everyMs, onError }: AdvanceOptions): Promise<void> {
  if (!(await claimWaves(at.control))) return
  const begun = performance.now()
  try {
    for (const run of await wavingRuns(at.control)) {
      await lookAfter(at, run).catch((error: unknown) => onError(error, run.id))
    }
  } finally {
    const slowMs = performance.now() - begun - quickMs
    await leaveWaves(at.control, Math.max(everyMs, slowMs / busyShare))
  }
}

async function lookAfter(at: At, run: Run): Promise<void> {
  if (await stopRun(at, run)) return
  await advance(at, run)
}

async function stopRun({ control }: At, run: Run): Promise<boolean> {
  if (run.paused || run.stop_when === null) return false
  const reason = stopReason(run.stop_when, await stopCounts(control, run.id))
  if (reason === null) return false
  const paused = 'finish' as const
  await steerRun(control, run.id, { by: plan, reason, kind: 'paused', change: { paused } })
  return true
}

async function advance(at: At, run: Run): Promise<void> {
  if (run.wave >= run.wave_count) return
  const counts = await waveCounts(at.control, run)
  const endedMs = await endWave(at.control, run, { isOver: counts.open === 0 })
  if (counts.open === 0 && counts.unaudited) await askForAudits(at, run)
  const { next, reason, asksPerson, asksPlan } = judge(run, { ...counts, endedMs })
  if (asksPlan) await beginCheck(at, run)
  if (asksPerson) await tellWaiting(at.control, run.id, { wave: run.wave, reason })
  if (!next) return
  const moves = await openWave(at.control, run)
  if (!moves) return
  const data = { wave: run.wave + 1, tenants: wavesOf(run)?.[run.wave]?.tenants }
  await addRunEvent(at.control, { runId: run.id, kind: 'wave', by: plan, reason, data })
  if (run.paused) return
  await ensureJobs(at.queues, moves, { run })
  await feed(at, run.id)
}

/** A few at a time: audits are work for workers, and each look asks for the next ones. */
async function askForAudits(at: At, run: Run): Promise<void> {
  if (!wavesOf(run)?.[run.wave - 1]?.audited) return
  await audit(at, await unauditedMoves(at.control, run), plan)
}

/** Tells whether the wave after the current one may begin now, and why not. Changes nothing. */
export async function verdictOf(control: Control, run: Run): Promise<Verdict> {
  const counts = await waveCounts(control, run)
  const { wave_ended_at: ended } = run
  const endedMs = counts.open > 0 ? null : Date.now() - (ended?.getTime() ?? Date.now())
  return judge(run, { ...counts, endedMs })
}

function judge(run: Run, state: WaveCounts & Pick<WaveState, 'endedMs'>): Verdict {
  const wave = wavesOf(run)?.[run.wave - 1]
  if (!wave) return { next: false, reason: `run ${run.id} has no wave ${run.wave}` }
  const isApproved = run.approved_wave >= run.wave
  const isOverridden = run.overridden_wave >= run.wave
  const answer = run.gate_asked_at === null ? null : (run.gate_answer ?? (true as const))
  const decided = { isApproved, isOverridden, answer }
  return verdictOn({ ...state, ...decided, number: run.wave, wave }, run.id)
}

export interface ApproveOptions {
  readonly by: string
  readonly reason?: string | undefined
  /** Also without what the gates and the soak of the wave ask for. */
  readonly override?: boolean | undefined
  /** The wave that the person has looked at. Default: the current one. */
  readonly wave?: number | undefined
  readonly dryRun?: boolean | undefined
}

/**
 * Returns the wave that was approved: the one after it begins when its gates are open.
 * NOT_ALLOWED_NOW: it has open moves, was approved already, or another wave is the current one.
 */
export async function approve(
  { control }: At,
  runId: string,
  { override = false, wave: expected, by, reason, dryRun }: ApproveOptions,
): Promise<number> {
  const run = await knownRun(control, runId)
  const refusal = await whyNotApproved(control, run, { override, expected })
  if (refusal !== null) throw new RehomeError('NOT_ALLOWED_NOW', `run "${runId}" ${refusal}`)
  if (dryRun) return run.wave
  if (!(await approveWave(control, run, { override }))) {
    const message = `run "${runId}" has changed meanwhile: see \`rehome status ${runId}\``
    throw new RehomeError('NOT_ALLOWED_NOW', message)
  }
  const data = { wave: run.wave, override }
  await addRunEvent(control, { runId, kind: 'approved', by, reason, data })
  return run.wave
}

/** A person approves what has come of a wave, so it has to be over. null: it can be approved. */
async function whyNotApproved(
  control: Control,
  run: Run,
  { override, expected }: { override: boolean; expected: number | undefined },
): Promise<string | null> {
  const { wave } = run
  if (wave >= run.wave_count) return 'has no wave that waits: its last one has begun'
  if (expected !== undefined && expected !== wave) {
    return `is in wave ${wave}, not in wave ${expected}: see \`rehome status ${run.id}\``
  }
  const { open } = await waveCounts(control, run)
  if (open > 0) return `has ${open} open tenant(s) up to wave ${wave}: wait until they have ended`
  const decided = override ? run.overridden_wave : run.approved_wave
  if (decided < wave) return null
  return `has wave ${wave} ${override ? 'overridden' : 'approved'} already`
}
