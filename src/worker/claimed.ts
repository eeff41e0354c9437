/**
 * Types of an attempt: its input, its state once its move is claimed, and its result. Types only.
 */

import type { Progress } from '../attempt/shard.ts'
import type { Caller } from '../calls.ts'
import type { Control, Run } from '../control/database.ts'
import type { ClaimedMove } from '../control/moves.ts'
import type { PlanEnds } from '../ends/end.ts'
import type { Errand } from '../errands.ts'
import type { RehomeError } from '../errors.ts'
import type { Logger } from '../log.ts'
import type { Phase } from '../phases.ts'
import type { Plan } from '../plan/plan.ts'
import type { Steering } from './steering.ts'

/** A plan that this worker can run, and its open ends. */
export interface OpenPlan {
  readonly plan: Plan
  readonly fingerprint: string
  readonly ends: PlanEnds
}

export interface AttemptOptions {
  readonly control: Control
  readonly plans: readonly OpenPlan[]
  readonly moveId: string
  readonly errand: Errand
  /** Aborted when the worker is to stop: the move is handed on, not failed. */
  readonly stop: AbortSignal
  /** Absent: pauses are seen when an attempt begins, and cancels when its lease is renewed. */
  readonly steering?: Steering | undefined
  readonly log: Logger
  readonly report: (progress: Progress) => void
  readonly tell: (line: string) => void
}

export type Outcome =
  | { readonly kind: 'settled'; readonly phase: Phase; readonly evidence: Record<string, unknown> }
  | {
      readonly kind: 'failed'
      readonly error: RehomeError
      readonly again: boolean
      /** The next attempt is later than the queue's own backoff, in ms from now. */
      readonly restMs?: number | undefined
    }
  /** The move waits before its cutover; the next look is due in so long. */
  | { readonly kind: 'held'; readonly waitMs: number }
  /** The errand was done, or called off, before this attempt. */
  | { readonly kind: 'nothing to do' }

export interface Claimed {
  readonly options: AttemptOptions
  readonly run: Run
  readonly move: ClaimedMove
  readonly token: string
  readonly abort: AbortController
  readonly caller: Caller
}
