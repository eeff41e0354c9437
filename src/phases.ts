/**
 * The phases of a move, in their order: the one list from which everything else is derived. A phase
 * is stored before it begins, so that a worker that died in it is known to have been there; where
 * the ends themselves tell that, it is stored while it is under way.
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
  /** A sentence on it, for people who do not know the words of the phases. */
  readonly text: string
}

const workingPhases = [
  /** Waits for a worker, or for its next attempt. */
  { name: 'queued', fails: 'back', percent: 1, text: 'It waits for its turn.' },
  /** Everything that can be known beforehand is checked; the target is closed and emptied. */
  {
    name: 'preflight',
    fails: 'back',
    percent: 2,
    text: 'The plan and both databases are checked. The tenant works as before.',
  },
  /** Online: from here on every change at the source is logged. The tenant goes on writing. */
  {
    name: 'capture',
    fails: 'back',
    percent: 8,
    text: 'Every change of the tenant is noted from now on. It works as before.',
  },
  /** The tenant's writes are refused at the source from here on. */
  {
    name: 'fence',
    fails: 'back',
    percent: 10,
    text: 'The tenant can read, and its writes wait from now on.',
  },
  {
    name: 'drain',
    fails: 'back',
    percent: 12,
    text: 'Writes that were under way come to their end.',
  },
  { name: 'copy', fails: 'back', percent: 15, text: 'Its data are copied to the new home.' },
  /** Online: what was written since follows, in rounds. */
  {
    name: 'catch_up',
    fails: 'back',
    percent: 66,
    text: 'Changes since the copy are brought over.',
  },
  { name: 'verify', fails: 'back', percent: 67, text: 'Both copies are compared, row by row.' },
  /** Online: both ends are equal but for the last changes, which follow until the hold ends. */
  {
    name: 'hold',
    fails: 'back',
    percent: 90,
    text: 'Both copies are kept equal until somebody completes the move.',
  },
  /** Online, under the fence: the last changes follow, and are compared. */
  {
    name: 'final_catch_up',
    fails: 'back',
    percent: 92,
    text: 'The last changes are brought over and compared.',
  },
  /** The intent is stored, then one commit at the source. From that on there is no way back. */
  {
    name: 'cutover',
    fails: 'forward',
    percent: 95,
    text: 'The decision: from now on the new home counts.',
  },
  { name: 'release', fails: 'forward', percent: 98, text: 'The new home is opened.' },
  /** Those of a rollback after the cutover: the same, with the ends exchanged. */
  {
    name: 'undo_catch_up',
    fails: 'apart',
    percent: 10,
    text: 'Changes at the new home are brought back. The tenant works there.',
  },
  {
    name: 'undo_compare',
    fails: 'apart',
    percent: 30,
    text: 'Both copies are compared, row by row.',
  },
  {
    name: 'undo_fence',
    fails: 'apart',
    percent: 60,
    text: 'The tenant can read, and its writes wait from now on.',
  },
  {
    name: 'undo_drain',
    fails: 'apart',
    percent: 65,
    text: 'Writes that were under way come to their end.',
  },
  {
    name: 'undo_final_catch_up',
    fails: 'apart',
    percent: 70,
    text: 'The last changes are brought back and compared.',
  },
  {
    name: 'undo_cutover',
    fails: 'forward',
    percent: 90,
    text: 'The decision: from now on the old home counts again.',
  },
  { name: 'undo_release', fails: 'forward', percent: 95, text: 'The old home is opened.' },
  /** A rollback before the cutover: the target's rows are removed, all flags go. */
  {
    name: 'withdraw',
    fails: 'apart',
    percent: 10,
    text: 'The unfinished copy is removed. The tenant works at its old home.',
  },
  /** The way back is tried within a transaction that is undone. */
  {
    name: 'audit',
    fails: 'apart',
    percent: 10,
    text: 'A rollback is tried out, and nothing is changed.',
  },
  /** The new home stops logging what is written there. */
  {
    name: 'finalize',
    fails: 'apart',
    percent: 10,
    text: 'The time in which the tenant can come back is ended.',
  },
  { name: 'cleanup', fails: 'apart', percent: 10, text: 'The old copy is removed.' },
  /** The tenant is copied and compared while it goes on writing, and all of it is removed again. */
  {
    name: 'rehearse',
    fails: 'apart',
    percent: 15,
    text: 'The move is tried out while the tenant works as before.',
  },
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

/** The sentence on a phase, for people; undefined: there is no such phase. */
export function textOfPhase(phase: string | null): string | undefined {
  return workingPhases.find(({ name }) => name === phase)?.text
}
