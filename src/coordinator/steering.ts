/** The part of the library that steers runs under way. */
import type { Control, Priority, RunEvent } from '../control/database.ts'
import { recordPause } from '../control/fleet/queue-pauses.ts'
import { retentionMs, runsToForget, setRetention } from '../control/fleet/retention.ts'
import { serverLimits } from '../control/fleet/server-slots.ts'
import type { Reached } from '../control/run-moves.ts'
import { movesAtOnce, runEventsOf } from '../control/steer.ts'
import type { Queues } from '../queue/queues.ts'
import { type ApproveOptions, approve } from './advance-runs.ts'
import { type CompleteOptions, complete } from './complete.ts'
import { knownRun } from './errand-choice.ts'
import { type Cancelled, type CancelOptions, cancel } from './fleet/cancel.ts'
import { noticesOf } from './notices.ts'
import {
  type LimitOptions,
  type PauseOptions,
  pause,
  prioritize,
  type ResumeOptions,
  resume,
  type SteerOptions,
  setLimit,
  skip,
} from './steer.ts'

/** `by`: default that of `open()`. */
type Asked<Options extends { readonly by: string }> = Omit<Options, 'by'> & {
  readonly by?: string
}

export interface Steering {
  /** No move of the run, or of these tenants, begins until it is resumed. Returns who waits. */
  pause(runId: string, options?: Asked<PauseOptions>): Promise<Reached>
  /** Returns the tenants that are moved again. */
  resume(runId: string, options?: Asked<ResumeOptions>): Promise<Reached>
  /** Calls open moves off: before the cutover back to the source, after it they go forward. */
  cancel(runId: string, options?: Asked<CancelOptions>): Promise<Cancelled>
  /** Leaves tenants out of the run that have not begun, have failed, or were rolled back. */
  skip(
    runId: string,
    options: Omit<SteerOptions, 'by'> & { readonly tenants: readonly string[] },
  ): Promise<Reached>
  /** Ends the hold of moves: they cut over, or begin where the plan is offline. */
  complete(runId: string, options?: Asked<CompleteOptions>): Promise<Reached>
  prioritize(
    runId: string,
    options: Omit<SteerOptions, 'by' | 'tenants'> & { readonly priority: Priority },
  ): Promise<void>
  /** Approves the current wave, so that the next one begins. Returns its number. */
  approve(runId: string, options?: Asked<ApproveOptions>): Promise<number>
  /** Moves at once over all workers and runs; null: as many as the workers take. */
  limitMoves(most: number | null, options?: LimitOptions): Promise<void>
  movesAtOnce(): Promise<number | null>
  /** Server → moves at once there, whichever end it is, over all workers and runs. */
  serverLimits(): Promise<Readonly<Record<string, number>>>
  /** How long the events of a run are kept after it has ended for good, in ms; null: for ever. */
  retentionMs(): Promise<number | null>
  /** Workers remove what is older. Returns the runs whose events that will be. */
  keepEvents(
    ms: number | null,
    options?: { readonly dryRun?: boolean | undefined },
  ): Promise<string[]>
  /** Reasons why the run does not go on by itself, as sentences. */
  notices(runId: string): Promise<string[]>
  /** Keeps who has paused these queues on the board; `by` null: they are resumed. */
  recordPause(queues: readonly string[], by: string | null): Promise<void>
  /** Decisions about the run, newest first: who made them, and why. */
  history(runId: string): Promise<RunEvent[]>
}

interface Opened {
  readonly control: Control
  readonly queues: Queues
  readonly by: string
}

export function steeringOf(opened: Opened): Steering {
  const { control, by } = opened
  return {
    pause: (runId, options) => pause(opened, runId, { by, ...options }),
    resume: (runId, options) => resume(opened, runId, { by, ...options }),
    cancel: (runId, options) => cancel(opened, runId, { by, ...options }),
    skip: (runId, options) => skip(opened, runId, { by, ...options }),
    complete: (runId, options) => complete(opened, runId, { by, ...options }),
    prioritize: (runId, options) => prioritize(opened, runId, { by, ...options }),
    approve: (runId, options) => approve(opened, runId, { by, ...options }),
    limitMoves: (most, options) => setLimit(opened, most, options),
    movesAtOnce: () => movesAtOnce(control),
    serverLimits: () => serverLimits(control),
    retentionMs: () => retentionMs(control),
    async keepEvents(ms, { dryRun = false } = {}) {
      if (!dryRun) await setRetention(control, ms)
      return ms === null ? [] : await runsToForget(control, ms)
    },
    notices: (runId) => noticesOf(opened, runId),
    recordPause: (queues, who) => recordPause(control, queues, who),
    history: async (runId) => runEventsOf(control, (await knownRun(control, runId)).id),
  }
}
