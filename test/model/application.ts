/**
 * The tenants' own application: two writers, and a caller that opens an end with the key of a
 * refusal. migrations/endpoint/001_fence.sql: guard, refuse, open.
 *
 * A writer writes once a transaction. It may be wrong about the home all the time, but writes at
 * the target only from when rehome has first closed it there.
 */

import { openNow } from './captures.ts'
import type { Rules } from './rules.ts'
import { mode, type State, source, target, type Writer } from './state.ts'
import { isSnapshot, nowCaptures, removeRow } from './statements.ts'

const [idle, undecided, letIn] = [0, 1, 2]

export function isOpenToWriters(s: State, end: number): boolean {
  return end === source || s.truth.known === 1
}

/**
 * READ COMMITTED: the row is written and the guard has its lock, but has not read the flags yet.
 * The others take their snapshot here.
 */
export function begins(s: State, i: number, end: number): boolean {
  const w = s.writers[i]
  if (!w || w.at !== idle || w.left === 0 || !isOpenToWriters(s, end)) return false
  w.at = undecided
  w.end = end
  w.stale = 0
  w.sees = isSnapshot(i) && s.end(end).mode !== mode.none ? 1 : 0
  w.saw = w.sees === 1 ? s.end(end).mode : 0
  return true
}

export function isGuarded(s: State, i: number, rules: Rules): boolean {
  const w = s.writers[i]
  if (!w || w.at !== undecided) return false
  const flag = s.end(w.end)
  if (isSnapshot(i)) {
    if (w.stale === 1) return refused(s, i)
    if (w.sees === 0) return accepted(w)
    // An old snapshot ends no capture: one entry too many does no harm.
    if (w.saw === mode.capturing) return accepted(w, rules.snapshotsLog)
    if (w.sees === 2) return refused(s, i)
  }
  if (flag.mode === mode.none) return accepted(w)
  if (flag.mode === mode.capturing) {
    return accepted(w, flag.lapsed === 0 || rules.lapsedCaptureLogs)
  }
  const lapsed = flag.mode === mode.readOnly && flag.lapsed === 1
  return lapsed ? opensFence(s, w, { i, rules }) : refused(s, i)
}

/** The lease has lapsed. Another writer that does the same is not waited for. */
function opensFence(s: State, w: Writer, { i, rules }: { i: number; rules: Rules }): boolean {
  const flag = s.end(w.end)
  if (flag.deleter !== 0) return refused(s, i)
  if (rules.lapseDeletes) flag.deleter = i + 1
  return accepted(w, flag.window === 1 && rules.lapseLogs)
}

function accepted(w: Writer, logs = false): boolean {
  w.at = letIn
  w.sees = 0
  w.saw = 0
  w.logs = logs ? 1 : 0
  return true
}

function refused(s: State, i: number): boolean {
  ended(s, i)
  return true
}

function ended(s: State, i: number): void {
  const w = s.writers[i]
  if (!w) return
  w.at = idle
  w.end = 0
  w.stale = 0
  w.sees = 0
  w.saw = 0
  w.logs = 0
  for (const m of s.movers) m.waits &= ~(1 << i)
}

/** Bits of rows in key order: the first writer's come before the row that was there, and after. */
const bits = [
  [1, 8],
  [4, 16],
]
/** The row that the tenant has from the beginning. */
export const firstRow = 2

export function commits(s: State, i: number): boolean {
  const w = s.writers[i]
  if (!w || w.at !== letIn) return false
  // Where this end is not closed by a move, a write is not ours to look after.
  if (w.end === target && !isOpenToWriters(s, target)) return false
  const bit = bits[i]?.[w.left - 1] ?? 0
  w.left -= 1
  s.end(w.end).rows |= bit
  s.truth.committed |= bit
  if (w.logs === 1) s.end(w.end).log |= bit
  if (s.end(w.end).deleter === i + 1) endsLapsed(s, w.end)
  ended(s, i)
  return true
}

/** Ends a lapsed fence: within the window nothing else ends. */
function endsLapsed(s: State, end: number): void {
  const { mode: is, window } = s.end(end)
  if (is === mode.readOnly && window === 1) nowCaptures(s, end)
  else removeRow(s, end)
}

export function rollsBack(s: State, i: number): boolean {
  const w = s.writers[i]
  if (!w || w.at === idle) return false
  if (s.end(w.end).deleter === i + 1) s.end(w.end).deleter = 0
  ended(s, i)
  return true
}

/** A refusal tells the key of the other end: only one that says `moved` does. */
export function isTold(s: State, end: number, rules: Rules): boolean {
  const flag = s.end(end)
  const tells = flag.mode === mode.moved || (!rules.keyIsSecret && flag.mode === mode.readOnly)
  if (!tells || (s.app.key === flag.epoch && s.app.end === 1 - end)) return false
  s.app.key = flag.epoch
  s.app.end = 1 - end
  return true
}

/** Calls rehome.open_with_key: now, or long after the refusal. */
export function opens(s: State, rules: Rules): boolean {
  const flag = s.end(s.app.end)
  if (s.app.key === 0 || flag.openedBy !== s.app.key || flag.deleter !== 0) return false
  if (s.movers.some((m) => m.locked === s.app.end + 1)) return false
  openNow(s, s.app.end, rules)
  return true
}

/** Time passes: a lease is not renewed in time. */
export function lapses(s: State, end: number): boolean {
  const flag = s.end(end)
  const leased = flag.mode === mode.readOnly || (flag.mode === mode.capturing && flag.window === 0)
  if (!leased || flag.lapsed === 1) return false
  flag.lapsed = 1
  return true
}

/** Time passes: the rollback window ends. */
export function windowEnds(s: State, end: number): boolean {
  const flag = s.end(end)
  if (flag.window === 0) return false
  flag.window = 0
  if (flag.mode === mode.capturing) flag.lapsed = 1
  return true
}

/** src/stages/reap.ts: it deletes what any writer might delete. Its opening is `opens`. */
export function isReaped(s: State, end: number): boolean {
  const flag = s.end(end)
  if (flag.lapsed === 0 || flag.deleter !== 0) return false
  endsLapsed(s, end)
  return true
}
