/**
 * The statements that rehome sends to an end, each one atomic step: in src/ends/postgres/ it is
 * fence/tenant-flags.ts, turns.ts, drain.ts, removal/wipe.ts,
 * copy/chunk-writer.ts and progress.ts, in the same words.
 *
 * `undefined` says that the statement waits for a lock. Left out: other tenants, bytes, time. What
 * an end may do with a statement whose sender has died is the same as what it may do with one of a
 * sender that has stopped just before it, so that is not told apart.
 */
import type { Rules } from './rules.ts'
import { type End, type Mover, mode, type State, target } from './state.ts'

/** An attempt, at one state, under the protocol's rules. */
export interface Act {
  readonly s: State
  readonly m: Mover
  readonly rules: Rules
}

export type Answer = boolean | undefined

/** Another transaction holds the flag's row: a writer that deletes it, or a chunk FOR SHARE. */
function rowIsLocked({ s, m }: Act, end: number): boolean {
  if (s.end(end).deleter !== 0) return true
  return s.movers.some((other) => other.attempt !== m.attempt && other.locked === end + 1)
}

/** Writers with an older snapshot see the row as it was, and can no longer change it. */
function flagChanged(s: State, end: number): void {
  for (const writer of s.writers) {
    if (writer.at === 1 && writer.end === end && writer.sees === 1) writer.sees = 2
  }
}

export function removeRow(s: State, end: number): void {
  const flag = s.end(end)
  flag.mode = mode.none
  flag.token = 0
  flag.epoch = 0
  flag.lapsed = 0
  flag.openedBy = 0
  flag.move = 0
  flag.deleter = 0
  flag.window = 0
  flag.opensLogged = 0
  flagChanged(s, end)
}

/** The row stays, and says that changes are logged. */
export function nowCaptures(s: State, end: number): void {
  const flag = s.end(end)
  flag.mode = mode.capturing
  flag.lapsed = 0
  flag.openedBy = 0
  flag.opensLogged = 0
  flag.deleter = 0
  flagChanged(s, end)
}

export const byMoveId = (act: Act, end: number) =>
  act.rules.turns === 'none' || act.s.end(end).turn === act.m.attempt

export const byToken = (act: Act, end: number) =>
  act.rules.turns !== 'every change' || act.s.end(end).turn === act.m.attempt

export function takeTurn({ s, m, rules }: Act, end: number): boolean {
  const at = s.end(end)
  if (rules.turns === 'none') return true
  if (at.turn > m.attempt) return false
  at.turn = m.attempt
  return true
}

/** The second statement of taking a turn: transactions of earlier attempts end. */
export function endEarlier({ s, m }: Act, end: number): void {
  s.end(end).swept = m.attempt
  for (const other of s.movers) {
    if (other.attempt < m.attempt && other.locked === end + 1) other.locked = 0
  }
}

/** Changes the row that stands there, if it is as expected: yes, no, or it waits for a lock. */
export function update(act: Act, end: number, matches: Answer): Answer {
  if (!matches) return false
  if (rowIsLocked(act, end)) return undefined
  flagChanged(act.s, end)
  return true
}

export const isHeld = (flag: End) => flag.mode === mode.readOnly || flag.mode === mode.capturing

/** raiseFence, startCapture */
export function raise(act: Act, end: number, as: number = mode.readOnly): Answer {
  const { s, m } = act
  const flag = s.end(end)
  if (!byMoveId(act, end)) return false
  if (flag.mode !== mode.none) {
    if (rowIsLocked(act, end)) return undefined
    const mine = flag.move === m.move || flag.lapsed === 1
    if (!update(act, end, isHeld(flag) && mine)) return false
    if (flag.move !== m.move) flag.window = 0
  }
  flag.mode = as
  flag.token = m.attempt
  flag.epoch = m.epoch
  flag.move = m.move
  flag.lapsed = 0
  return true
}

/** claimTarget: every flag there is of a move that our control database knows. */
export function claim(act: Act, end: number): Answer {
  const { s, m } = act
  const flag = s.end(end)
  if (!byMoveId(act, end)) return false
  if (flag.mode !== mode.none) {
    if (rowIsLocked(act, end)) return undefined
    if (!update(act, end, !isHeld(flag))) return false
  }
  flag.opensLogged = s.control.online === 1 && end === target ? 1 : 0
  flag.mode = mode.receiving
  flag.token = m.attempt
  flag.epoch = m.epoch
  flag.openedBy = m.epoch
  flag.move = m.move
  s.truth.known = 1
  return true
}

export function takeOver(act: Act, end: number): Answer {
  const { s, m } = act
  const flag = s.end(end)
  const matches = flag.mode !== mode.none && flag.move === m.move && flag.epoch === m.epoch
  const answer = update(act, end, matches && byMoveId(act, end))
  if (answer) {
    flag.token = m.attempt
    flag.lapsed = 0
  }
  return answer
}

export function adopt(act: Act, end: number, wanted: number): Answer {
  const { s, m } = act
  const flag = s.end(end)
  const matches = flag.mode === wanted && flag.move === m.move
  const answer = update(act, end, matches && byMoveId(act, end))
  if (answer) flag.token = m.attempt
  return answer
}

export function hasToken(act: Act, end: number, wanted: number): boolean {
  const flag = act.s.end(end)
  return flag.mode === wanted && flag.token === act.m.attempt && byToken(act, end)
}

export function letOpen(act: Act, end: number): Answer {
  const answer = update(act, end, hasToken(act, end, mode.moved))
  if (answer) act.s.end(end).openedBy = act.m.epoch
  return answer
}

export function renew(act: Act, end: number): Answer {
  const { m } = act
  const flag = act.s.end(end)
  const held = isHeld(flag) && flag.token === m.attempt && byToken(act, end)
  const answer = update(act, end, held)
  if (answer) act.s.end(end).lapsed = 0
  return answer
}

/** markMoved: from this commit on the other end is the home. */
export function markMoved(act: Act, end: number): Answer {
  const { s, m, rules } = act
  const flag = s.end(end)
  const matches = hasToken(act, end, mode.readOnly)
  const answer = update(act, end, matches || !rules.cutoverNeedsFence)
  if (!answer) return answer
  if (flag.mode === mode.none) {
    flag.token = m.attempt
    flag.epoch = m.epoch
    flag.move = m.move
  }
  flag.mode = mode.moved
  flag.lapsed = 0
  flag.window = 0
  s.truth.home = 1 - end
  return true
}

export function remove(act: Act, end: number, wanted: number): Answer {
  const answer = update(act, end, hasToken(act, end, wanted))
  if (answer) removeRow(act.s, end)
  return answer
}

/** begin; holdFlag: the row stays locked until the transaction ends. */
export function hold(act: Act, end: number, wanted: number): Answer {
  if (!hasToken(act, end, wanted)) return false
  if (act.s.end(end).deleter !== 0) return undefined
  act.m.locked = end + 1
  return true
}

/** A delete in its own statement; see `wipe` for rows. */
export function forgetProgress(act: Act, end: number): void {
  if (!byToken(act, end)) return
  const at = act.s.end(end)
  at.copyEpoch = 0
  at.copied = 0
  at.done = 0
}

/** forgetChanges, up to the snapshot that was read. */
export function forgetLog(act: Act, end: number): void {
  if (byToken(act, end)) act.s.end(end).log &= ~act.m.memory
}

/** Without the bucket's bump a snapshot reader would be let in by a flag that it cannot see. */
export function bump({ s, m, rules }: Act, end: number): Answer {
  if (rules.bump) {
    // A snapshot reader that was let in holds the bucket's row.
    if (s.writers.some((w, i) => isSnapshot(i) && w.at === 2 && w.end === end)) return undefined
    for (const writer of s.writers) if (writer.at === 1 && writer.end === end) writer.stale = 1
  }
  m.waits = 0
  if (!rules.waitForWriters) return true
  s.writers.forEach((w, i) => {
    if (!isSnapshot(i) && w.at !== 0 && w.end === end) m.waits |= 1 << i
  })
  return true
}

/** The first writer is READ COMMITTED, the second REPEATABLE READ or SERIALIZABLE. */
export function isSnapshot(writer: number): boolean {
  return writer === 1
}
