/**
 * The phases of a move, in their order: the one list from which everything else is derived. A phase
 * is stored before it begins, so that a worker that died in it is known to have been there.
 */

interface PhaseEntry {
  readonly name: string
  /**
   * `back`: a move can still be called off, and a failure leads back to the source. `forward`:
   * there is no way back, so it is tried until it is through. `apart`: part of another errand,
   * which leaves its tenant where it is.
   */
  readonly fails: 'back' | 'forward' | 'apart'
  /** The share of the whole errand that lies before it; the copy fills 15 to 65. */
  readonly percent: number
}

const workingPhases = [
  /** Waits for a worker, or for its next attempt. */
  { name: 'queued', fails: 'back', percent: 1 },
  /** Everything that can be known beforehand is checked; the target is closed and emptied. */
  { name: 'preflight', fails: 'back', percent: 2 },
  /** Online: from here on every change at the source is logged. The tenant goes on writing. */
  { name: 'capture', fails: 'back', percent: 8 },
  /** The tenant's writes are refused at the source from here on. */
  { name: 'fence', fails: 'back', percent: 10 },
  /** Waits for transactions that were already writing. */
  { name: 'drain', fails: 'back', percent: 12 },
  { name: 'copy', fails: 'back', percent: 15 },
  /** Online: what was written since follows, in rounds. */
  { name: 'catch_up', fails: 'back', percent: 66 },
  { name: 'verify', fails: 'back', percent: 67 },
  /** Online, under the fence: the last changes follow, and are compared. */
  { name: 'final_catch_up', fails: 'back', percent: 92 },
  /** The intent is stored, then one commit at the source. From that on there is no way back. */
  { name: 'cutover', fails: 'forward', percent: 95 },
  /** The target opens. */
  { name: 'release', fails: 'forward', percent: 98 },
  /** Those of a rollback after the cutover: the same, with the ends exchanged. */
  { name: 'undo_catch_up', fails: 'apart', percent: 10 },
  { name: 'undo_compare', fails: 'apart', percent: 30 },
  { name: 'undo_fence', fails: 'apart', percent: 60 },
  { name: 'undo_drain', fails: 'apart', percent: 65 },
  { name: 'undo_final_catch_up', fails: 'apart', percent: 70 },
  { name: 'undo_cutover', fails: 'forward', percent: 90 },
  { name: 'undo_release', fails: 'forward', percent: 95 },
  /** A rollback before the cutover: the target's rows are removed, all flags go. */
  { name: 'withdraw', fails: 'apart', percent: 10 },
  /** The way back is tried within a transaction that is undone. */
  { name: 'audit', fails: 'apart', percent: 10 },
  /** The new home stops logging what is written there. */
  { name: 'finalize', fails: 'apart', percent: 10 },
  /** The old copy is removed. */
  { name: 'cleanup', fails: 'apart', percent: 10 },
  /** The tenant is copied and compared while it goes on writing, and all of it is removed again. */
  { name: 'rehearse', fails: 'apart', percent: 15 },
] as const satisfies readonly PhaseEntry[]

export type WorkingPhase = (typeof workingPhases)[number]['name']

export type SettledPhase =
  /** The target is the tenant's home. */
  | 'moved'
  /** Nothing changed for the tenant: the source is its home, and open. */
  | 'failed'
  | 'rolled_back'
  | 'cleaned'
  /** The source is its home, and nothing is left at the target. */
  | 'rehearsed'

/** Where a move stands. */
export type Phase = WorkingPhase | SettledPhase

function namesOf(fails: PhaseEntry['fails']): readonly Phase[] {
  return workingPhases.filter((phase) => phase.fails === fails).map(({ name }) => name)
}

/** Phases of a move in which it can still be called off. */
export const beforeCutover = namesOf('back')

const onlyForward: readonly string[] = namesOf('forward')

/** Whether there is no way back from this phase. */
export function isOnlyForward(phase: string): boolean {
  return onlyForward.includes(phase)
}

/** How much of the errand lies before the phase, in percent. */
export function percentBefore(phase: Phase): number {
  return workingPhases.find(({ name }) => name === phase)?.percent ?? 1
}
