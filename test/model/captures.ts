/**
 * The statements of src/ends/postgres/changes/captures.ts, and those that open and lower an end, as
 * in statements.ts.
 */
import type { Rules } from './rules.ts'
import { mode, type State } from './state.ts'
import {
  type Act,
  type Answer,
  byMoveId,
  byToken,
  hasToken,
  isHeld,
  nowCaptures,
  raise,
  removeRow,
  update,
} from './statements.ts'

/** fenceCaptured */
export function fenceCaptured(act: Act, end: number): Answer {
  const flag = act.s.end(end)
  if (!act.rules.fenceNeedsCapture) return raise(act, end)
  const captured = hasToken(act, end, mode.capturing) && flag.epoch === act.m.epoch
  const answer = update(act, end, captured)
  if (!answer) return answer
  flag.mode = mode.readOnly
  flag.lapsed = 0
  return true
}

/** lowerToCapture */
export function lowerToCapture(act: Act, end: number): Answer {
  const flag = act.s.end(end)
  const held = isHeld(flag) && flag.token === act.m.attempt && byToken(act, end)
  const answer = update(act, end, held)
  if (answer) nowCaptures(act.s, end)
  return answer
}

/** lowerFence */
export function lower(act: Act, end: number): Answer {
  const flag = act.s.end(end)
  const held = isHeld(flag) && flag.token === act.m.attempt && byToken(act, end)
  const answer = update(act, end, held)
  if (!answer) return answer
  if (flag.window === 1) nowCaptures(act.s, end)
  else removeRow(act.s, end)
  return true
}

/** adoptCapture */
export function adoptCapture(act: Act, end: number): Answer {
  const { s, m } = act
  const flag = s.end(end)
  const matches = isHeld(flag) && flag.window === 1 && flag.move === m.move
  const answer = update(act, end, matches && byMoveId(act, end))
  if (!answer) return answer
  nowCaptures(s, end)
  flag.token = m.attempt
  flag.epoch = m.epoch
  return true
}

/** openReceived, and rehome.open_with_key once the key is the right one. */
export function openNow(s: State, end: number, rules: Rules): void {
  const flag = s.end(end)
  if (flag.opensLogged === 0) {
    removeRow(s, end)
    return
  }
  if (!rules.opensLogged) s.end(end).log = 0
  nowCaptures(s, end)
  flag.window = 1
}

export function openReceived(act: Act, end: number): Answer {
  const answer = update(act, end, hasToken(act, end, mode.receiving))
  if (answer) openNow(act.s, end, act.rules)
  return answer
}

/** giveUpTarget, of an end where the tenant has lived. */
export function giveUp(act: Act, end: number): Answer {
  const answer = update(act, end, hasToken(act, end, mode.receiving))
  if (!answer) return answer
  act.s.end(end).mode = mode.moved
  act.s.end(end).openedBy = 0
  return true
}
