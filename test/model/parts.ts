/** Parts that the steps of both errands share. */

import { mode, type State, source, target } from './state.ts'
import {
  type Act,
  type Answer,
  bump,
  endEarlier,
  forgetLog,
  hold,
  remove,
  takeTurn,
} from './statements.ts'

/**
 * Does one statement and says what comes next: a step's name; `wait` for a lock or a writer;
 * `failed`, and it may pass, or `failed for good`; `gone`, where the move is another's.
 */
export type Step = (act: Act) => string
export type Program = Readonly<Record<string, Step>>
type Next = string | (() => string)

const told = (next: Next) => (typeof next === 'string' ? next : next())

export function answer(said: Answer, yes: Next, no: Next): string {
  if (said === undefined) return 'wait'
  return told(said ? yes : no)
}

/** src/attempt/turn.ts. The two statements count as one where there is nothing to end. */
export function turnAt(end: number, next: string): Step {
  return (act) => {
    if (act.m.memory === 1) {
      act.m.memory = 0
      endEarlier(act, end)
      return next
    }
    if (!takeTurn(act, end)) return 'gone'
    const open = act.s.movers.some((m) => m.attempt < act.m.attempt && m.locked === end + 1)
    if (open) {
      act.m.memory = 1
      return 'again'
    }
    endEarlier(act, end)
    return next
  }
}

/** src/attempt/shard.ts: step, store. */
export function store(phase: number, next: string | ((act: Act) => string)): Step {
  return (act) => {
    const { control } = act.s
    if (control.token !== act.m.attempt || control.open === 0) return 'gone'
    control.phase = phase
    return typeof next === 'string' ? next : next(act)
  }
}

/** src/control/moves.ts: settleMove. */
export function settle(phase: number): Step {
  return ({ s, m }) => {
    if (s.control.token === m.attempt && s.control.open === 1) {
      s.control.phase = phase
      s.control.open = 0
      s.control.epoch = 0
    }
    return 'gone'
  }
}

/** Removes the flag of this mode. A target that is given back empty is none that we know of. */
export function opened(end: number, wanted: number, next: string | [string, string]): Step {
  const [yes, no] = typeof next === 'string' ? [next, next] : next
  return (act) => {
    const removed = remove(act, end, wanted)
    if (removed && end === target && act.s.truth.home === source && act.rules.releaseAfterCutover) {
      act.s.truth.known = act.s.end(target).rows === 0 ? 0 : 1
    }
    return answer(removed, yes, no)
  }
}

export function holdTarget(act: Act, yes: string, no: string): string {
  return answer(hold(act, target, mode.receiving), yes, no)
}

/** src/follow/by-snapshot/snapshot-round.ts: one snapshot of `from`, its rows and its log. */
export function roundRead(from: number, next: string): Step {
  return ({ s, m, rules }) => {
    const [at, to] = [s.end(from), s.end(1 - from)]
    m.memory = at.rows
    m.read = at.log & ~to.seen
    if (!rules.forgetAfterCommit) at.log &= ~m.memory
    return next
  }
}

/** Brings what was read in one transaction; before the fence everything is compared, too. */
export function roundCommit(
  from: number,
  { compares, next }: { compares: boolean; next: string },
): Step {
  return ({ s, m, rules }) => {
    const to = s.end(1 - from)
    if (rules.chunksHold && m.locked !== 2 - from) return 'failed'
    m.locked = 0
    const rows = (to.rows & ~m.read) | (m.memory & m.read)
    if (compares && rows !== m.memory) return 'failed'
    to.rows = rows
    to.seen = m.memory
    to.checkpointEpoch = m.epoch
    m.read = 0
    return next
  }
}

export function roundForget(from: number, next: string): Step {
  return (act) => {
    forgetLog(act, from)
    act.m.memory = 0
    return next
  }
}

export function drainAt(end: number, next: string): Step {
  return (act) => answer(bump(act, end), next, next)
}

/** src/ends/postgres/removal/wipe.ts: deletes in the transaction that holds the flag; commits. */
export function wipe(next: string): Step {
  return ({ s, m, rules }) => {
    if (rules.wipesHold && m.locked !== target + 1) return 'failed'
    s.end(target).rows = 0
    m.locked = 0
    return next
  }
}

/** Progress at the target, then the rows in key order: what has not come yet is remembered. */
export function copyRead(next: string, nothing: string): Step {
  return ({ s, m }) => {
    const at = s.end(target)
    const same = at.copyEpoch === m.epoch
    if (same && at.done === 1) return nothing
    m.memory = withoutFirst(s.end(source).rows, same ? at.copied : 0)
    return next
  }
}

/** The first chunk has one row, the second all others; each commits with its progress. */
export function chunk(next: string, last: string): Step {
  return ({ s, m, rules }) => {
    if (rules.chunksHold && m.locked !== target + 1) return 'failed'
    const at = s.end(target)
    const before = at.copyEpoch === m.epoch ? at.copied : 0
    const rest = before === 0 ? withoutFirst(m.memory, 1) : 0
    const rows = m.memory & ~rest
    m.locked = 0
    // The primary key refuses a row that is there.
    if ((at.rows & rows) !== 0) return 'failed'
    at.rows |= rows
    at.copyEpoch = m.epoch
    at.copied = before + count(rows)
    at.done = rest === 0 ? 1 : 0
    m.memory = rest
    return rest === 0 ? last : next
  }
}

function withoutFirst(rows: number, skipped: number): number {
  let rest = rows
  for (let i = 0; i < skipped; i += 1) rest &= rest - 1
  return rest
}

function count(rows: number): number {
  let n = 0
  for (let rest = rows; rest !== 0; rest &= rest - 1) n += 1
  return n
}

export function readBack(end: number, next: string): Step {
  return ({ s, m }) => {
    const flag = s.end(end)
    return flag.mode === mode.moved && flag.token === m.attempt ? next : 'failed'
  }
}

export function acceptsNow(s: State, end: number): boolean {
  const flag = s.end(end)
  if (flag.mode === mode.none || flag.mode === mode.capturing) return true
  return flag.mode === mode.readOnly && flag.lapsed === 1
}
