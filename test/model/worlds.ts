/** Where an exploration begins. */
import { firstRow } from './application.ts'
import { errand, mode, phase, type State, source, target } from './state.ts'

/** How many writes each of the two writers may make. */
export type Writes = readonly [readCommitted: number, snapshot: number]

/** A tenant that lives at the source, and a run that is to move it. */
function atSource(s: State, writes: Writes): void {
  s.end(source).rows = firstRow
  s.truth.committed = firstRow
  s.truth.home = source
  const { control } = s
  control.phase = phase.queued
  control.open = 1
  control.errand = errand.move
  control.fallback = phase.failed
  control.move = 1
  writes.forEach((left, i) => {
    const writer = s.writers[i]
    if (writer) writer.left = left
  })
}

/** A tenant that was moved, and is to be brought back. */
function atTarget(s: State, writes: Writes): void {
  atSource(s, writes)
  s.end(target).rows = firstRow
  s.truth.home = target
  s.truth.known = 1
  s.end(source).mode = mode.moved
  s.end(source).epoch = s.newEpoch()
  s.end(source).move = 1
  s.control.phase = phase.moved
  s.control.errand = errand.rollback
  s.control.fallback = phase.moved
}

/** The source after an attempt that failed while it copied: its row and its claim are left over. */
function atSourceAgain(s: State, writes: Writes): void {
  atSource(s, writes)
  s.truth.known = 1
  s.end(target).mode = mode.receiving
  s.end(target).epoch = s.newEpoch()
  s.end(target).openedBy = s.end(target).epoch
  s.end(target).move = 1
  s.end(target).rows = firstRow
  s.end(target).copyEpoch = s.end(target).epoch
  s.end(target).copied = 1
}

/** A world with an online plan. */
function online(s: State, writes: Writes): void {
  atSource(s, writes)
  s.control.online = 1
}

/** A tenant that has moved online, and whose new home logs what it writes. */
function logged(s: State, writes: Writes): void {
  atTarget(s, writes)
  s.control.online = 1
  s.end(target).mode = mode.capturing
  s.end(target).window = 1
  s.end(target).epoch = s.end(source).epoch
  s.end(target).move = 1
}

export const starts = { move: atSource, again: atSourceAgain, back: atTarget, online, logged }
