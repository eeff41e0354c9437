/**
 * The errand `rollback`: src/stages/resume.ts (resumeRollback), withdraw.ts and undo-*.ts. Writes
 * made at the new home are never given up here: that needs a request of its own.
 */

import { lower } from './captures.ts'
import {
  answer,
  drainAt,
  holdTarget,
  opened,
  type Program,
  readBack,
  settle,
  store,
  turnAt,
  wipe,
} from './parts.ts'
import { mode, phase, source, target } from './state.ts'
import { adopt, forgetProgress, letOpen, markMoved, raise } from './statements.ts'

export const rollback = {
  'take turn at source, to go back': turnAt(source, 'take turn at target, to go back'),
  'take turn at target, to go back': turnAt(target, 'look for a cutover back'),

  'look for a cutover back': (act) => {
    if (act.m.phase === phase.undoRelease) return 'store undo_release'
    return answer(adopt(act, target, mode.moved), look(act, 1), look(act, 0))
  },
  'look for a cutover to undo': (act) => {
    const [back, away] = [act.m.memory === 1, adopt(act, source, mode.moved)]
    if (away === undefined) return 'wait'
    if (!away) return 'look for a claimed source'
    act.m.memory = 0
    if (back) return 'store undo_release'
    return act.s.control.online === 1 ? 'find capture' : 'store undo_fence'
  },
  'look for a claimed source': (act) => {
    const [back, claimed] = [act.m.memory === 1, adopt(act, source, mode.receiving)]
    if (claimed === undefined) return 'wait'
    act.m.memory = 0
    if (back) return 'store undo_release'
    if (claimed) return 'find capture'
    return act.m.fallback === phase.moved ? 'failed for good' : 'store withdraw'
  },

  'store withdraw': store(phase.undoFence, 'adopt fence to withdraw'),
  'adopt fence to withdraw': (act) =>
    answer(
      adopt(act, source, mode.readOnly),
      'lower fence to withdraw',
      'adopt capture to withdraw',
    ),
  'adopt capture to withdraw': (act) =>
    answer(adopt(act, source, mode.capturing), 'lower fence to withdraw', 'adopt target to wipe'),
  'lower fence to withdraw': (act) =>
    answer(lower(act, source), 'adopt target to wipe', 'adopt target to wipe'),
  'adopt target to wipe': (act) =>
    answer(adopt(act, target, mode.receiving), 'hold for withdrawal', 'settle as rolled back'),
  'hold for withdrawal': (act) =>
    act.rules.wipesHold ? holdTarget(act, 'withdraw rows', 'failed') : 'withdraw rows',
  'withdraw rows': wipe('forget withdrawn progress'),
  'forget withdrawn progress': (act) => {
    forgetProgress(act, target)
    return 'give target back after withdrawal'
  },
  'give target back after withdrawal': opened(target, mode.receiving, 'settle as rolled back'),

  'store undo_fence': (act) => {
    const { s, m, rules } = act
    if (s.control.token !== m.attempt) return 'gone'
    m.epoch = s.newEpoch()
    s.control.phase = phase.undoFence
    s.control.epoch = m.epoch
    return rules.openedBy === 'before the fence' ? 'tell source its key' : 'raise fence at target'
  },
  'raise fence at target': (act) =>
    answer(
      raise(act, target),
      () => {
        act.m.lease = 1 + target
        return act.rules.openedBy === 'after the fence' ? 'tell source its key' : afterFence(act)
      },
      'failed',
    ),
  'tell source its key': (act) =>
    answer(
      letOpen(act, source),
      () => (act.rules.openedBy === 'after the fence' ? afterFence(act) : 'raise fence at target'),
      'failed for good',
    ),
  'bump for rollback': drainAt(target, 'wait for writers at target'),
  'wait for writers at target': ({ m }) => (m.waits === 0 ? 'compare back: read source' : 'wait'),
  'compare back: read source': ({ s, m }) => {
    m.memory = s.end(source).rows
    return 'compare back: read target'
  },
  'compare back: read target': ({ s, m }) => {
    if (s.end(target).rows !== m.memory) return 'failed for good'
    m.memory = 0
    return 'store undo_cutover'
  },
  'store undo_cutover': store(phase.undoCutover, (act) => {
    act.m.lease = 0
    return 'cut back'
  }),
  'cut back': (act) => answer(markMoved(act, target), 'store undo_release', 'read cut back'),
  'read cut back': readBack(target, 'store undo_release'),
  'store undo_release': store(phase.undoRelease, 'adopt source'),
  'adopt source': (act) => answer(adopt(act, source, mode.moved), 'open source', 'open source'),
  'open source': opened(source, mode.moved, 'adopt claimed source'),
  'settle as rolled back': settle(phase.rolledBack),
} satisfies Program

function look(act: Parameters<Program[string]>[0], back: number): () => string {
  return () => {
    act.m.memory = back
    return 'look for a cutover to undo'
  }
}

function afterFence({ rules }: Parameters<Program[string]>[0]): string {
  return rules.drainBeforeRollback ? 'bump for rollback' : 'compare back: read source'
}
