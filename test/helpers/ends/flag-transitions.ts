// Every transition of a flag, by whom and from which state it is let through, and what is there
// then. What does not stand here is refused, and changes nothing.
import type { Flag, Flags } from '../../../src/ends/flags.ts'
import { type Actor, claimOf, holdOf, longMs, raiseOf, type State } from './flag-states.ts'

export type Mode = Flag['mode'] | 'open'
export type Outcomes = Partial<Record<State, Mode>>

export interface Transition {
  /** `first`: whose flag it is. */
  ask(
    flags: Flags,
    by: Actor,
    at: { first: Actor; flag: Flag | null },
  ): Promise<Flag | boolean | null>
  /** The attempt that has raised the flag. */
  readonly holder: Outcomes
  /** The next attempt at the same move, under a token of its own. */
  readonly successor: Outcomes
  /** An attempt at another move of the tenant. */
  readonly stranger: Outcomes
  /** Asked again by the same attempt it is let through again, and nothing else comes of it. */
  readonly repeatable: boolean
}

const raised = (mode: Mode): Outcomes => ({
  open: mode,
  'capturing, lapsed': mode,
  'read-only, lapsed': mode,
})
const raisedByMove = (mode: Mode): Outcomes => ({
  ...raised(mode),
  capturing: mode,
  'capturing in its window': mode,
  'read-only': mode,
  'read-only in its window': mode,
})
/** Outcomes for a flag with a lease, by the token that it has. */
const leased = (mode: (state: State) => Mode): Outcomes => {
  const states = [
    ...(['capturing', 'capturing, lapsed', 'capturing in its window'] as const),
    ...(['read-only', 'read-only, lapsed', 'read-only in its window'] as const),
  ]
  return Object.fromEntries(states.map((state) => [state, mode(state)]))
}
const asItIs = (state: State): Mode => (state.startsWith('capturing') ? 'capturing' : 'read_only')
const receiving = (mode: Mode): Outcomes => ({
  receiving: mode,
  'receiving, with a window to come': mode,
  'receiving, where it has lived': mode,
})
const closedHere: Outcomes = { ...receiving('receiving'), moved: 'receiving' }
const window = (mode: Mode): Outcomes => ({
  'capturing in its window': mode,
  'read-only in its window': mode,
})
const everyFlag: Outcomes = { ...leased(asItIs), ...receiving('receiving'), moved: 'moved' }
const none: Outcomes = {}

export const transitions: Readonly<Record<string, Transition>> = {
  raiseFence: {
    ask: (flags, by) => flags.raiseFence(raiseOf(by)),
    holder: raisedByMove('read_only'),
    successor: raisedByMove('read_only'),
    stranger: raised('read_only'),
    repeatable: true,
  },
  startCapture: {
    ask: (flags, by) => flags.startCapture(raiseOf(by)),
    holder: raisedByMove('capturing'),
    successor: raisedByMove('capturing'),
    stranger: raised('capturing'),
    repeatable: true,
  },
  fenceCaptured: {
    ask: (flags, by, { first }) =>
      flags.fenceCaptured({ ...holdOf(by), epoch: first.epoch, leaseMs: longMs }),
    holder: leased(() => 'read_only'),
    successor: none,
    stranger: none,
    repeatable: true,
  },
  'fenceCaptured under another epoch': {
    ask: (flags, by) => flags.fenceCaptured({ ...holdOf(by), epoch: by.moveId, leaseMs: longMs }),
    holder: none,
    successor: none,
    stranger: none,
    repeatable: true,
  },
  lowerToCapture: {
    ask: (flags, by) => flags.lowerToCapture({ ...holdOf(by), leaseMs: longMs }),
    holder: leased(() => 'capturing'),
    successor: none,
    stranger: none,
    repeatable: true,
  },
  adoptCapture: {
    ask: (flags, by) => flags.adoptCapture({ ...by, leaseMs: longMs }),
    holder: window('capturing'),
    successor: window('capturing'),
    stranger: none,
    repeatable: true,
  },
  endCapture: {
    ask: (flags, { moveId, ...by }) => flags.endCapture({ ...holdOf({ ...by, moveId }), moveId }),
    holder: window('open'),
    successor: window('open'),
    stranger: none,
    repeatable: false,
  },
  claimTarget: {
    ask: (flags, by) => flags.claimTarget(claimOf(by)),
    holder: { open: 'receiving', ...closedHere },
    successor: { open: 'receiving', ...closedHere },
    stranger: { open: 'receiving' },
    repeatable: true,
  },
  'claimTarget of what another move of ours has left': {
    ask: (flags, by, { first }) => flags.claimTarget({ ...claimOf(by), ours: [first.moveId] }),
    holder: { open: 'receiving', ...closedHere },
    successor: { open: 'receiving', ...closedHere },
    stranger: { open: 'receiving', ...closedHere },
    repeatable: false,
  },
  markRowsOurs: {
    ask: (flags, by) => flags.markRowsOurs(holdOf(by)),
    holder: receiving('receiving'),
    successor: none,
    stranger: none,
    repeatable: true,
  },
  takeOver: {
    ask: (flags, by, { first }) => flags.takeOver({ ...by, epoch: first.epoch, leaseMs: longMs }),
    holder: everyFlag,
    successor: everyFlag,
    stranger: none,
    repeatable: true,
  },
  'takeOver under another epoch': {
    ask: (flags, by) => flags.takeOver({ ...by, epoch: by.moveId, leaseMs: longMs }),
    holder: none,
    successor: none,
    stranger: none,
    repeatable: true,
  },
  adopt: {
    ask: (flags, by, { flag }) =>
      flags.adopt({ ...holdOf(by), moveId: by.moveId, mode: flag?.mode ?? 'moved' }),
    holder: everyFlag,
    successor: everyFlag,
    stranger: none,
    repeatable: true,
  },
  'adopt of another mode': {
    ask: (flags, by, { flag }) =>
      flags.adopt({
        ...holdOf(by),
        moveId: by.moveId,
        mode: flag?.mode === 'moved' ? 'receiving' : 'moved',
      }),
    holder: none,
    successor: none,
    stranger: none,
    repeatable: true,
  },
  letOpen: {
    ask: (flags, by) => flags.letOpen({ ...holdOf(by), key: by.epoch }),
    holder: { moved: 'moved' },
    successor: none,
    stranger: none,
    repeatable: true,
  },
  renewLease: {
    ask: (flags, by) => flags.renewLease({ ...holdOf(by), leaseMs: longMs }),
    holder: leased(asItIs),
    successor: none,
    stranger: none,
    repeatable: true,
  },
  markMoved: {
    ask: (flags, by) => flags.markMoved({ ...holdOf(by), movedTo: 'there' }),
    holder: {
      'read-only': 'moved',
      'read-only, lapsed': 'moved',
      'read-only in its window': 'moved',
    },
    successor: none,
    stranger: none,
    repeatable: false,
  },
  lowerFence: {
    ask: (flags, by) => flags.lowerFence(holdOf(by)),
    holder: { ...leased(() => 'open'), ...window('capturing') },
    successor: none,
    stranger: none,
    repeatable: false,
  },
  openReceived: {
    ask: (flags, by) => flags.openReceived(holdOf(by)),
    holder: { ...receiving('open'), 'receiving, with a window to come': 'capturing' },
    successor: none,
    stranger: none,
    repeatable: false,
  },
  giveUpTarget: {
    ask: (flags, by) => flags.giveUpTarget(holdOf(by)),
    holder: { ...receiving('open'), 'receiving, where it has lived': 'moved' },
    successor: none,
    stranger: none,
    repeatable: false,
  },
  removeFlag: {
    ask: (flags, by, { flag }) => flags.removeFlag({ ...holdOf(by), mode: flag?.mode ?? 'moved' }),
    holder: { ...leased(() => 'open'), ...receiving('open'), moved: 'open' },
    successor: none,
    stranger: none,
    repeatable: false,
  },
  'removeFlag of another mode': {
    ask: (flags, by, { flag }) =>
      flags.removeFlag({ ...holdOf(by), mode: flag?.mode === 'moved' ? 'receiving' : 'moved' }),
    holder: none,
    successor: none,
    stranger: none,
    repeatable: false,
  },
}
