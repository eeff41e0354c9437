/** Decisions of persons about a run on the board, and what comes of them. */
import type { Reached } from '../../control/run-moves.ts'
import { RehomeError } from '../../errors.ts'
import type { BoardLibrary, SteerRequest } from '../library.ts'
import type { Role } from '../sessions.ts'

export const stepNames = ['pause', 'resume', 'complete', 'approve', 'cancel'] as const

export type StepName = (typeof stepNames)[number]

export interface Step {
  readonly title: string
  /** Sentences on what comes of it. */
  readonly meaning: string
  /** Also approvers may ask for it: it lets a run go on that waits for a person. */
  readonly forApprovers: boolean
  readonly isGrave: boolean
  /** Throws where it may not be asked for now. With `dryRun` it changes nothing. */
  ask(library: BoardLibrary, runId: string, asked: SteerRequest): Promise<Outcome>
}

/** Tenants and their count, by their ends if these differ; or the wave that was approved. */
export type Outcome = Readonly<Record<string, Reached | readonly string[] | number>>

export const steps: Readonly<Record<StepName, Step>> = {
  pause: {
    title: 'Pause',
    meaning:
      'No move begins until somebody resumes. Moves before their cutover give up within 2 s, and their tenants can write at once; with "let moves under way end" they go on.',
    forApprovers: false,
    isGrave: false,
    ask: async (library, runId, options) => ({ ...(await library.pause(runId, options)) }),
  },
  resume: {
    title: 'Resume',
    meaning: 'Moves that wait for it begin again.',
    forApprovers: false,
    isGrave: false,
    ask: async (library, runId, options) => ({ ...(await library.resume(runId, options)) }),
  },
  complete: {
    title: 'Complete',
    meaning:
      'The hold ends. Moves of an online run compare everything once more and cut over; those of an offline run begin.',
    forApprovers: true,
    isGrave: false,
    ask: async (library, runId, options) => ({ ...(await library.complete(runId, options)) }),
  },
  approve: {
    title: 'Approve the wave',
    meaning: 'The next wave begins once the gates of this one are open and its soak has passed.',
    forApprovers: true,
    isGrave: false,
    ask: async (library, runId, { tenants, ...options }) => {
      if (tenants) throw new RehomeError('USAGE', 'a wave is approved as a whole: name no tenants')
      return { wave: await library.approve(runId, options) }
    },
  },
  cancel: {
    title: 'Cancel',
    meaning:
      'Moves before their cutover are called off: their tenants stay at the source and can write, and what was copied is removed. Moves past their cutover go on.',
    forApprovers: false,
    isGrave: true,
    ask: async (library, runId, options) => ({ ...(await library.cancel(runId, options)) }),
  },
}

export function mayAsk(role: Role | undefined, name: StepName): boolean {
  return role === 'operator' || (role === 'approver' && steps[name].forApprovers)
}
