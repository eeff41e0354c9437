/** The part of the library that steers runs under way. */
import type { Control, Priority, RunEvent } from '../control/database.ts'
import { movesAtOnce, runEventsOf } from '../control/steer.ts'
import type { Queues } from '../queue/queues.ts'
import { type ApproveOptions, approve } from './advance-runs.ts'
import { knownRun } from './ask-errands.ts'
import { noticesOf } from './notices.ts'
import {
  type Cancelled,
  cancel,
  type PauseOptions,
  pause,
  prioritize,
  type ResumeOptions,
  resume,
  type SteerOptions,
  setLimit,
  skip,
} from './steer.ts'

export interface Steering {
  /** No move of the run, or of these tenants, begins until it is resumed. Returns who waits. */
  pause(runId: string, options?: Omit<PauseOptions, 'by'>): Promise<string[]>
  /** Returns the tenants that are moved again. */
  resume(runId: string, options?: Omit<ResumeOptions, 'by'>): Promise<string[]>
  /** Calls open moves off: before the cutover back to the source, after it they go forward. */
  cancel(runId: string, options?: Omit<SteerOptions, 'by'>): Promise<Cancelled>
  /** Leaves tenants out of the run that have not begun, have failed, or were rolled back. */
  skip(
    runId: string,
    options: Omit<SteerOptions, 'by'> & { readonly tenants: readonly string[] },
  ): Promise<string[]>
  prioritize(
    runId: string,
    options: Omit<SteerOptions, 'by' | 'tenants'> & { readonly priority: Priority },
  ): Promise<void>
  /** Approves the current wave, so that the next one begins. Returns its number. */
  approve(runId: string, options?: Omit<ApproveOptions, 'by'>): Promise<number>
  /** Moves at once over all workers and runs; null: as many as the workers take. */
  limitMoves(most: number | null): Promise<void>
  movesAtOnce(): Promise<number | null>
  /** Reasons why the run does not go on by itself, as sentences. */
  notices(runId: string): Promise<string[]>
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
    pause: (runId, asked) => pause(opened, runId, { by, ...asked }),
    resume: (runId, asked) => resume(opened, runId, { by, ...asked }),
    cancel: (runId, asked) => cancel(opened, runId, { by, ...asked }),
    skip: (runId, asked) => skip(opened, runId, { by, ...asked }),
    prioritize: (runId, asked) => prioritize(opened, runId, { by, ...asked }),
    approve: (runId, asked) => approve(opened, runId, { by, ...asked }),
    limitMoves: (most) => setLimit(opened, most),
    movesAtOnce: () => movesAtOnce(control),
    notices: (runId) => noticesOf(opened, runId),
    history: async (runId) => runEventsOf(control, (await knownRun(control, runId)).id),
  }
}
