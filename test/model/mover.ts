/**
 * A worker's process at one attempt: it claims the move, takes a step, fails, dies, renews its
 * lease. src/worker/attempt.ts, src/attempt/retreat.ts, lease.ts and src/control/moves.ts.
 *
 * A worker that stops for ever so long needs no event: no participant has to take a step.
 */

import { giveUp, lower, lowerToCapture } from './captures.ts'
import { move } from './move.ts'
import { online } from './online.ts'
import { answer, type Step } from './parts.ts'
import { rollback } from './rollback.ts'
import type { Rules } from './rules.ts'
import { errand, type Mover, phase, type State, source, target } from './state.ts'
import { type Act, renew } from './statements.ts'

/** After a failure before the cutover: the fence is lowered, then another attempt or none. */
const retreat: Record<string, Step> = {
  retreat: (act) => {
    const back = act.m.errand === errand.rollback
    // What an online move has copied the next attempt goes on with; or the capture lapses.
    const captures = act.s.control.online === 1 && !back
    const lowered = captures ? lowerToCapture(act, source) : lower(act, back ? target : source)
    if (lowered === undefined) return 'wait'
    return back ? 'give source back after failure' : 'end attempt'
  },
  'give source back after failure': (act) =>
    answer(giveUp(act, source), 'end attempt', 'end attempt'),
}

const program: Record<string, Step> = { ...move, ...rollback, ...online, ...retreat }
export const stepNames = ['nothing', ...Object.keys(program), 'end attempt']
const steps = [undefined, ...Object.values(program)]

const numberOf = new Map(stepNames.map((name, i) => [name, i]))
const at = (name: string) => {
  const number = numberOf.get(name)
  if (number === undefined) throw new Error(`there is no step "${name}"`)
  return number
}

const endAttempt = at('end attempt')
const retreatAt = at('retreat')
const firstOf = (errandOf: number) =>
  errandOf === errand.move ? at('take turn at source') : at('take turn at source, to go back')
const markings = new Map([
  [at('cut over'), at('read back')],
  [at('cut back'), at('read cut back')],
])

/** Steps of phases from which there is only forward: a failure there changes nothing. */
const forwardSteps = new Set(
  [
    'cut over',
    'read back',
    'store release',
    'open target',
    'adopt target',
    'settle as moved',
    'cut back',
    'read cut back',
    'store undo_release',
    'adopt source',
    'open source',
    'adopt claimed source',
    'open claimed source',
  ].map(at),
)

/** Steps before the first phase is stored: the phase is the one that was claimed. */
const beforeFirst = new Set(
  [
    'take turn at source',
    'take turn at target',
    'look for a cutover',
    'take over source',
    'take over target',
    'adopt own fence',
    'adopt own capture',
    'lower own fence',
    'take over capture',
    'lower to capture',
    'take over captured target',
    'read checkpoint',
    'take turn at source, to go back',
    'take turn at target, to go back',
    'look for a cutover back',
    'look for a cutover to undo',
    'look for a claimed source',
    'find capture',
    'adopt capture',
    'give source back',
  ].map(at),
)
const forwardPhases: readonly number[] = [
  phase.cutover,
  phase.release,
  phase.undoCutover,
  phase.undoRelease,
]

/** A new attempt takes the move over; its number is its token and its turn. */
export function claimMove(s: State, place: number): boolean {
  const { control } = s
  const m = s.movers[place]
  if (m?.at !== 0 || control.open === 0) return false
  control.attempts += 1
  control.token = control.attempts
  m.clear()
  m.attempt = control.attempts
  m.move = control.move
  m.errand = control.errand
  m.phase = control.phase
  m.fallback = control.fallback
  m.epoch = control.epoch
  m.at = firstOf(control.errand)
  return true
}

/** false: it waits, or it is at its end. */
export function takeStep(act: Act): boolean {
  const step = steps[act.m.at]
  if (!step) return false
  const next = step(act)
  if (next === 'wait') return false
  goTo(act, next)
  return true
}

function goTo({ m }: Act, next: string): void {
  if (next === 'again') return
  if (next === 'gone') m.clear()
  else if (next === 'failed' || next === 'failed for good') fall(m)
  else m.at = at(next)
  if (m.at === endAttempt) m.lease = 0
}

/** From here on there is only forward. */
function isForward(m: Mover): boolean {
  return beforeFirst.has(m.at) ? forwardPhases.includes(m.phase) : forwardSteps.has(m.at)
}

function fall(m: Mover): void {
  if (isForward(m)) {
    m.clear()
    return
  }
  m.locked = 0
  m.lease = 0
  m.memory = 0
  m.read = 0
  m.waits = 0
  m.at = retreatAt
}

/** SIGTERM: the attempt is given up at once, or finished where there is only forward. */
export function isToldToStop({ m, rules }: Act): boolean {
  if (m.at === 0 || m.stopped === 1) return false
  const forward = isForward(m)
  m.stopped = 1
  if (forward ? !rules.stopFinishes : !rules.stopLowers) m.clear()
  else if (!forward && m.at !== retreatAt && m.at !== endAttempt) fall(m)
  return true
}

/** An error at any statement, after it or instead of it. */
export function fails({ m }: Act): boolean {
  if (m.at === 0 || m.at === retreatAt || m.at === endAttempt) return false
  fall(m)
  return true
}

/** The commit of the cutover is done, and its answer is lost. */
export function losesAnswer(act: Act): boolean {
  const readBack = markings.get(act.m.at)
  if (readBack === undefined) return false
  const before = act.m.at
  if (!takeStep(act) || act.m.at === readBack || before === 0) return false
  act.m.at = readBack
  return true
}

/** postponeMove: the next attempt is due. */
export function postpones({ s, m }: Act): boolean {
  if (m.at !== endAttempt) return false
  if (s.control.token === m.attempt && s.control.open === 1) {
    s.control.phase = m.errand === errand.move ? phase.queued : m.phase
    if (m.errand === errand.move && s.control.online === 0) s.control.epoch = 0
  }
  m.clear()
  return true
}

/** settleMove with a failure: no attempt is left, or it would not help. */
export function givesUp({ s, m, rules }: Act): boolean {
  if (m.at !== endAttempt || (m.stopped === 1 && rules.stopKeepsAttempt)) return false
  if (s.control.token === m.attempt && s.control.open === 1) {
    s.control.phase = s.control.fallback
    s.control.open = 0
    s.control.epoch = 0
  }
  m.clear()
  return true
}

/** Its process is gone: what it has open is rolled back. */
export function dies({ m }: Act): boolean {
  if (m.at === 0) return false
  m.clear()
  return true
}

/** Only where it makes a difference: a lease that has lapsed, and a fence that is still there. */
export function renews(act: Act): boolean {
  const { s, m } = act
  if (m.at === 0 || m.lease === 0) return false
  const end = m.lease - 1
  if (s.end(end).lapsed === 0) return false
  return renew(act, end) === true
}

export function actOf(s: State, place: number, rules: Rules): Act | undefined {
  const m = s.movers[place]
  return m && { s, m, rules }
}
