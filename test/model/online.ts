/**
 * Differences of an online move: src/stages/capture.ts, round.ts, catch-up.ts and
 * final-catch-up.ts, and the rollback that keeps writes. Rounds that shrink are one round here.
 */

import { adoptCapture, fenceCaptured, giveUp, lowerToCapture } from './captures.ts'
import { leased } from './move.ts'
import {
  answer,
  drainAt,
  opened,
  type Program,
  roundCommit,
  roundForget,
  roundRead,
  store,
} from './parts.ts'
import { mode, phase, source, target } from './state.ts'
import { type Act, adopt, claim, hold, raise, takeOver } from './statements.ts'

const waited = (next: string) => (act: Act) => (act.m.waits === 0 ? next : 'wait')
const held = (end: number, next: string) => (act: Act) => {
  if (!act.rules.chunksHold) return next
  return answer(hold(act, end, mode.receiving), next, 'failed')
}

export const online = {
  // src/stages/resume.ts
  'take over capture': (act) =>
    answer(takeOver(act, source), 'lower to capture', 'adopt own fence'),
  'lower to capture': (act) =>
    answer(lowerToCapture(act, source), 'take over captured target', 'adopt own fence'),
  'take over captured target': (act) =>
    answer(takeOver(act, target), () => leased(act, 'read checkpoint'), 'adopt own fence'),
  'read checkpoint': ({ s, m }) =>
    s.end(target).checkpointEpoch === m.epoch ? 'store catch_up' : 'store capture',

  // src/stages/capture.ts
  'store capture': store(phase.fence, 'start capture'),
  'start capture': (act) =>
    answer(
      raise(act, source, mode.capturing),
      () => leased(act, act.rules.drainBeforeSnapshot ? 'bump for capture' : 'hold for emptying'),
      'failed',
    ),
  'bump for capture': drainAt(source, 'wait for capture'),
  'wait for capture': waited('hold for emptying'),

  // src/stages/copy.ts: copyWhileWritten
  'hold for emptying': held(target, 'empty target'),
  'empty target': ({ s, m, rules }) => {
    if (rules.chunksHold && m.locked !== 1 + target) return 'failed'
    s.end(target).rows = 0
    m.locked = 0
    return 'read snapshot'
  },
  'read snapshot': ({ s, m }) => {
    m.memory = s.end(source).rows
    m.read = m.memory
    return 'hold for copy'
  },
  'hold for copy': held(target, 'commit copy'),
  'commit copy': roundCommit(source, { compares: false, next: 'store catch_up' }),

  // src/stages/catch-up.ts, verify.ts
  'store catch_up': store(phase.fence, 'read changes'),
  'read changes': roundRead(source, 'hold for changes'),
  'hold for changes': held(target, 'commit changes'),
  'commit changes': roundCommit(source, { compares: true, next: 'forget changes' }),
  'forget changes': roundForget(source, 'store fence of captured'),

  // src/stages/fence.ts: fenceWriting, drain.ts, final-catch-up.ts
  'store fence of captured': store(phase.fence, 'fence captured'),
  'fence captured': (act) =>
    answer(
      fenceCaptured(act, source),
      act.rules.drainBeforeLast ? 'bump captured' : 'read last changes',
      'failed',
    ),
  'bump captured': drainAt(source, 'wait for captured'),
  'wait for captured': waited('read last changes'),
  'read last changes': roundRead(source, 'hold for last changes'),
  'hold for last changes': held(target, 'commit last changes'),
  'commit last changes': roundCommit(source, { compares: false, next: 'forget last changes' }),
  'forget last changes': roundForget(source, 'store cutover'),

  // src/stages/resume.ts: findCapture
  'find capture': (act) => {
    const { s, m } = act
    if (s.control.token !== m.attempt) return 'gone'
    m.epoch = s.newEpoch()
    s.control.epoch = m.epoch
    return 'adopt capture'
  },
  'adopt capture': (act) =>
    answer(adoptCapture(act, target), () => leased(act, 'store undo_catch_up'), 'give source back'),
  'give source back': (act) => answer(giveUp(act, source), 'store undo_fence', 'store undo_fence'),

  // src/stages/undo/undo-catch-up.ts
  'store undo_catch_up': store(phase.undoFence, 'claim source'),
  'claim source': (act) => answer(claim(act, source), 'hold for checkpoint', 'failed'),
  'hold for checkpoint': held(source, 'write checkpoint'),
  'write checkpoint': ({ s, m, rules }) => {
    if (rules.chunksHold && m.locked !== 1 + source) return 'failed'
    s.end(source).seen = 0
    s.end(source).checkpointEpoch = m.epoch
    m.locked = 0
    return 'read changes back'
  },
  'read changes back': roundRead(target, 'hold for changes back'),
  'hold for changes back': held(source, 'commit changes back'),
  'commit changes back': roundCommit(target, { compares: true, next: 'forget changes back' }),
  'forget changes back': roundForget(target, 'store undo_fence of captured'),
  'store undo_fence of captured': store(phase.undoFence, 'fence captured at target'),
  'fence captured at target': (act) =>
    answer(
      fenceCaptured(act, target),
      act.rules.drainBeforeLast ? 'bump captured at target' : 'read last changes back',
      'failed',
    ),
  'bump captured at target': drainAt(target, 'wait for captured at target'),
  'wait for captured at target': waited('read last changes back'),
  'read last changes back': roundRead(target, 'hold for last changes back'),
  'hold for last changes back': held(source, 'commit last changes back'),
  'commit last changes back': roundCommit(target, {
    compares: false,
    next: 'forget last changes back',
  }),
  'forget last changes back': roundForget(target, 'store undo_cutover'),

  // src/stages/undo/undo-release.ts
  'adopt claimed source': (act) =>
    answer(adopt(act, source, mode.receiving), 'open claimed source', 'settle as rolled back'),
  'open claimed source': opened(source, mode.receiving, 'settle as rolled back'),
} satisfies Program
