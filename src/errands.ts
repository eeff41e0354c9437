/**
 * The errands of a move: one table lists how each of them differs. The story is in move-shard.ts,
 * the conditions under which it may be asked for are in control/ask.ts.
 */
import { keysOf, recordOf } from './known.ts'

interface ErrandTerms {
  readonly queue: string
  /** The end whose writers it keeps out, and gives their writes back after a failure. */
  readonly fences: 'source' | 'target' | null
  /** After a failure the next attempt begins anew. Else it goes on where the move stands. */
  readonly startsOver: boolean
  /** Another worker goes on with it if its own stops. */
  readonly isHandedOn: boolean
  /** Runs transforms, so that the plan's lookups are needed. */
  readonly transforms: boolean
  /** Changes nothing, so that other errands need not wait for it. */
  readonly yields: boolean
  /** The rollback window afterwards: in it a tenant comes back with what it wrote since. */
  readonly window: 'opens' | 'stays' | 'ends'
}

const common: Omit<ErrandTerms, 'queue'> = {
  fences: null,
  startsOver: false,
  isHandedOn: true,
  transforms: true,
  yields: false,
  window: 'ends',
}

/** Jobs of one queue whose name was changed are taken for the first errand of that queue. */
export const errands = {
  move: { ...common, queue: 'rehome-moves', fences: 'source', startsOver: true, window: 'opens' },
  rollback: { ...common, queue: 'rehome-rollbacks', fences: 'target' },
  finalize: { ...common, queue: 'rehome-windows', transforms: false },
  audit: { ...common, queue: 'rehome-windows', fences: 'target', yields: true, window: 'stays' },
  cleanup: { ...common, queue: 'rehome-cleanups', transforms: false },
  rehearse: { ...common, queue: 'rehome-windows', isHandedOn: false },
} as const satisfies Record<string, ErrandTerms>

export type Errand = keyof typeof errands

interface AskedTerms {
  /** The description of the command of that name. */
  readonly command: string
  /** The heading of the board's page that asks for it. */
  readonly title: string
  /** The link to that page. */
  readonly link: string
  /** The board asks for a confirmation in red. */
  readonly isGrave: boolean
}

/** Requests of a person for tenants of a run. `retry` is the errand that failed, once more. */
export const askedTerms = {
  retry: {
    command: 'try failed tenants again (default: all failed ones of the run)',
    title: 'Retry the move',
    link: 'Retry …',
    isGrave: false,
  },
  rollback: {
    command: 'bring tenants back, or call their moves off',
    title: 'Roll back',
    link: 'Roll back …',
    isGrave: true,
  },
  finalize: {
    command: 'end the rollback window before its time',
    title: 'End the rollback window',
    link: 'End the rollback window …',
    isGrave: true,
  },
  cleanup: {
    command: 'remove the copy at the end that the tenant has left',
    title: 'Remove the old copy',
    link: 'Remove the old copy …',
    isGrave: true,
  },
} as const satisfies Record<string, AskedTerms>

export type AskedErrand = keyof typeof askedTerms

export const askedErrands = keysOf(askedTerms)

export function termsOf(errand: Errand): ErrandTerms {
  return errands[errand]
}

const errandNames = keysOf(errands)

export function eachErrand<T>(make: (errand: Errand) => T): Readonly<Record<Errand, T>> {
  return recordOf(errandNames, make)
}

/** The errands of one queue. */
export function errandsIn(queue: string): readonly Errand[] {
  return errandNames.filter((errand) => termsOf(errand).queue === queue)
}
