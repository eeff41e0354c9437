/**
 * Promises that must hold in every state, and of every step: those of docs/architecture.md. Each
 * check returns words for what is broken, or nothing.
 */
import * as app from './application.ts'
import { claimMove, givesUp, postpones, takeStep } from './mover.ts'
import { acceptsNow } from './parts.ts'
import type { Rules } from './rules.ts'
import { endNames, ends, errand, mode, phase, State, source, target } from './state.ts'

/** A write that begins now might be let in here. */
const accepts = (s: State, end: number) => app.isOpenToWriters(s, end) && acceptsNow(s, end)

/** No acknowledged write is lost, and never two homes. */
export function brokenNow(s: State): string | undefined {
  for (const end of ends) {
    if (!accepts(s, end)) continue
    if (end !== s.truth.home) return `${endNames[end]} accepts writes, and is not the home`
    const { rows } = s.end(end)
    if ((s.truth.committed & ~rows) !== 0)
      return `${endNames[end]} lacks a write that was committed`
    if ((rows & ~s.truth.committed) !== 0) return `${endNames[end]} has rows that nobody wrote`
  }
  return undefined
}

/** Rows go only where no tenant lives, and the application's come only where the tenant lives. */
export function brokenBy(
  before: State,
  after: State,
  place: number | undefined,
): string | undefined {
  for (const end of ends) {
    const deleted = before.end(end).rows & ~after.end(end).rows
    if (deleted !== 0 && (before.truth.home === end || accepts(before, end))) {
      return `rows of ${endNames[end]} were deleted, and it is the home`
    }
    const written = after.end(end).rows & ~before.end(end).rows
    if (place === undefined && written !== 0 && before.truth.home !== end) {
      return `a write was committed at ${endNames[end]}, which is not the home`
    }
  }
  return undefined
}

/** A worker whose turn has passed changes nothing at an end where the newer one has begun. */
export function changedLate(
  { before, after }: { before: State; after: State },
  place: number | undefined,
): string | undefined {
  const attempt = place === undefined ? 0 : (before.movers[place]?.attempt ?? 0)
  if (attempt === 0) return undefined
  const end = ends.find(
    (one) => attempt < before.end(one).swept && before.holdings(one) !== after.holdings(one),
  )
  if (end === undefined) return undefined
  return `attempt ${attempt} changed ${endNames[end]} after its turn there had passed`
}

/**
 * A worker that is stopped leaves no end closed that it has closed, unless another one is
 * open, or another worker has the move; and no move fails because of that. What an attempt before
 * has closed lapses by itself.
 */
export function brokenByStop(
  { before, after }: { before: State; after: State },
  place: number,
): string | undefined {
  const [m, then] = [before.movers[place], after.movers[place]]
  if (!m || !then || m.at === 0 || then.at !== 0) return undefined
  const { control } = after
  const isFailed = control.open === 0 && control.phase === phase.failed
  if (m.stopped === 1 && before.control.open === 1 && isFailed) {
    return 'a worker that was told to stop has failed its move'
  }
  if (control.token !== m.attempt || ends.some((end) => accepts(after, end))) return undefined
  const flags = ends.map((end) => after.end(end))
  const lapses = flags.some((flag) => flag.mode === mode.readOnly && flag.token !== m.attempt)
  if (lapses || !flags.some((flag) => flag.token === m.attempt)) return undefined
  return 'a worker that was told to stop has gone, and nobody can write'
}

const probe = new State()

/** Everything of ours is dead: only time, writers and the application's own opening are left. */
export function stuckAlone(s: State, rules: Rules): string | undefined {
  probe.copyFrom(s)
  for (const m of probe.movers) m.clear()
  letTimePass(probe, rules)
  const open = ends.some((end) => accepts(probe, end))
  return open ? undefined : 'with every process of ours gone nobody can write any more'
}

function letTimePass(s: State, rules: Rules): void {
  for (const i of [0, 1]) app.rollsBack(s, i)
  for (const end of ends) {
    app.lapses(s, end)
    app.isTold(s, end, rules)
    app.opens(s, rules)
  }
}

const known = new WeakMap<Rules, Map<string, string | undefined>>()

/** All workers stand still where they are, and a new one comes: it reaches an end. */
export function stuckForNew(s: State, rules: Rules): string | undefined {
  probe.copyFrom(s)
  for (const i of [0, 1]) app.rollsBack(probe, i)
  for (const m of probe.movers) standStill(m)
  const answers = known.get(rules) ?? new Map<string, string | undefined>()
  known.set(rules, answers)
  const key = probe.key()
  if (!answers.has(key)) answers.set(key, finish(probe, rules))
  return answers.get(key)
}

/** Reduces it to what it has locked, which is all that matters. */
function standStill(m: State['movers'][number]): void {
  const { attempt, locked } = m
  m.clear()
  if (locked === 0) return
  m.attempt = attempt
  m.locked = locked
}

const attemptsToEnd = 3
const stepsMax = 200

function finish(s: State, rules: Rules): string | undefined {
  const asked = s.control.open === 1
  for (let i = 0; i < attemptsToEnd && s.control.open === 1; i += 1) {
    claimMove(s, 2)
    const m = s.movers[2]
    if (!m) return undefined
    for (let step = 0; takeStep({ s, m, rules }); step += 1) {
      if (step > stepsMax) return 'a new attempt goes round in circles'
    }
    const act = { s, m, rules }
    if (!(i < attemptsToEnd - 1 ? postpones(act) : givesUp(act)) && m.at !== 0) {
      return 'a new attempt waits for ever'
    }
    letTimePass(s, rules)
  }
  if (s.control.open === 1) return 'new attempts do not come to an end'
  letTimePass(s, rules)
  const home = ends.find((end) => accepts(s, end))
  if (home === undefined) return 'new attempts come to an end, and nobody can write'
  return !asked || reached(s) ? undefined : 'new attempts do not reach what was asked for'
}

/** A rollback may end where it began: then there are writes at the target that it would lose. */
function reached(s: State): boolean {
  const { control, truth } = s
  if (control.phase === phase.moved && control.errand === errand.move) return truth.home === target
  if (control.phase === phase.rolledBack) return truth.home === source
  const different = s.end(source).rows !== s.end(target).rows
  return control.errand === errand.rollback && truth.home === target && different
}
