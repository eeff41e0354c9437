/**
 * Each rule of the protocol left out, in the smallest world in which that does harm: what the model
 * would say if it were wrong. They show that it can see, and why each rule is there.
 */
import type { Search } from './explore.ts'
import { proven, type Rules } from './rules.ts'
import type { State } from './state.ts'
import { starts, type Writes } from './worlds.ts'

export interface Small {
  readonly from: keyof typeof starts
  readonly attempts: number
  readonly writes: Writes
  readonly asks?: Search['asks']
  /** Default: workers never fail at a statement, they only stop and die. */
  readonly failures?: boolean
  readonly onlyHarm?: boolean
  /** Default: no worker is stopped. */
  readonly stops?: boolean
}

export function searchOf(world: Small, rules: Rules = proven): Search {
  const { from, writes, attempts, asks = [] } = world
  const { failures = false, onlyHarm = false, stops = false } = world
  const start = (s: State) => starts[from](s, writes)
  return { rules, attempts, asks, failures, onlyHarm, stops, start }
}

interface Mutant {
  readonly without: string
  readonly rules: Partial<Rules>
  readonly world: Small
  /** The promise that is broken then. */
  readonly breaks: RegExp
}

const lost = /committed|lacks a write/
const home = /is not the home/
const gone = /told to stop has gone, and nobody can write/
const one = { from: 'move', attempts: 1, writes: [0, 0] } as const
const reader = { ...one, writes: [1, 0] } as const
const snapshot = { ...one, writes: [0, 1] } as const
const two = { ...one, attempts: 2 } as const
const online = { ...one, from: 'online' } as const
const logged = { ...one, from: 'logged', asks: ['rollback'] } as const
const back = { ...one, from: 'back', asks: ['rollback'] } as const

export const mutants: readonly Mutant[] = [
  {
    without: 'turns, by move and token alone',
    rules: { turns: 'none' },
    world: { ...two, onlyHarm: true },
    breaks: home,
  },
  {
    without: 'turns, in a rollback',
    rules: { turns: 'none', openedBy: 'before the fence' },
    world: { ...back, attempts: 2, onlyHarm: true },
    breaks: /with every process of ours gone/,
  },
  {
    without: 'asking for the turn where a flag is changed by its token',
    rules: { turns: 'changes by move id' },
    world: two,
    breaks: /after its turn there had passed/,
  },
  {
    without: 'both the turn at the cutover back and the fence before the key',
    rules: { turns: 'changes by move id', openedBy: 'before the fence' },
    world: { ...back, attempts: 2, onlyHarm: true },
    breaks: /with every process of ours gone/,
  },
  {
    without: 'changing the bucket when a fence is raised',
    rules: { bump: false },
    world: snapshot,
    breaks: lost,
  },
  {
    without: 'waiting for those who are in',
    rules: { waitForWriters: false },
    world: reader,
    breaks: lost,
  },
  {
    without: 'draining before rows are read',
    rules: { drainBeforeCopy: false },
    world: reader,
    breaks: lost,
  },
  {
    without: 'deleting the flag, and so locking its row, when its lease has lapsed',
    rules: { lapseDeletes: false },
    world: reader,
    breaks: lost,
  },
  {
    without: 'needing the fence at the cutover',
    rules: { cutoverNeedsFence: false },
    world: reader,
    breaks: lost,
  },
  {
    without: 'holding the flag while a chunk is written',
    rules: { chunksHold: false },
    world: { ...two, asks: ['rollback'], onlyHarm: true },
    breaks: home,
  },
  {
    without: 'looking at the mode when rows are removed',
    rules: { wipesHold: false },
    world: { ...two, from: 'again', onlyHarm: true },
    breaks: /rows of the target were deleted, and it is the home/,
  },
  {
    without: 'waiting for the cutover before the target is opened',
    rules: { releaseAfterCutover: false },
    world: one,
    breaks: home,
  },
  {
    without: 'looking at the ends when an attempt goes on',
    rules: { resumeLooks: false },
    world: { ...two, writes: [1, 0] },
    breaks: lost,
  },
  {
    without: 'keeping the key until the cutover',
    rules: { keyIsSecret: false },
    world: one,
    breaks: home,
  },
  {
    without: 'a new key at a rollback',
    rules: { openedBy: 'never' },
    world: back,
    breaks: /with every process of ours gone/,
  },
  {
    without: 'draining before a rollback',
    rules: { drainBeforeRollback: false },
    world: { ...back, writes: [1, 0] },
    breaks: lost,
  },
  {
    without: 'closing the target before it is filled',
    rules: { claims: false, chunksHold: false, wipesHold: false },
    world: { ...one, onlyHarm: true },
    breaks: home,
  },
  {
    without: 'needing the capture to stand when a captured tenant is fenced',
    rules: { fenceNeedsCapture: false },
    world: { ...online, writes: [2, 0] },
    // The comparison finds it, each time anew.
    breaks: /do not reach/,
  },
  {
    without: 'draining under the fence of a captured tenant',
    rules: { drainBeforeLast: false },
    world: { ...online, writes: [1, 0] },
    breaks: lost,
  },
  {
    without: 'logging what is written under a snapshot that shows a capture',
    rules: { snapshotsLog: false },
    world: { ...online, writes: [0, 1] },
    breaks: /do not reach/,
  },
  {
    without: 'logging what is written after the lease of a capture',
    rules: { lapsedCaptureLogs: false },
    world: { ...online, writes: [1, 0] },
    breaks: /do not reach/,
  },
  {
    without: 'forgetting changes only when they have come',
    rules: { forgetAfterCommit: false },
    world: { ...online, attempts: 2, writes: [1, 0] },
    breaks: /do not reach/,
  },
  {
    without: 'draining before a rollback that keeps writes ends',
    rules: { drainBeforeLast: false },
    world: { ...logged, writes: [1, 0] },
    breaks: lost,
  },
  {
    without: 'lowering the fence when a worker is told to stop',
    rules: { stopLowers: false },
    world: { ...one, stops: true },
    breaks: gone,
  },
  {
    without: 'finishing a cutover when a worker is told to stop',
    rules: { stopFinishes: false },
    world: { ...one, stops: true },
    breaks: gone,
  },
  {
    without: 'finishing a rollback when a worker is told to stop',
    rules: { stopFinishes: false },
    world: { ...logged, stops: true },
    breaks: gone,
  },
  {
    without: 'keeping the attempt of a worker that is told to stop',
    rules: { stopKeepsAttempt: false },
    world: { ...one, stops: true },
    breaks: /told to stop has failed its move/,
  },
]
