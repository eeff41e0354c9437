/**
 * The errand `move`, a statement a step: src/worker/attempt.ts, src/move-shard.ts and its stages.
 *
 * Stores of the phases copy and verify are left out: no step depends on them that `drain` would not
 * decide, too. Steps that only read, and what one end cannot see of the other, are kept apart,
 * because a worker may stop between any two.
 */

import { lower, openReceived } from './captures.ts'
import {
  answer,
  chunk,
  copyRead,
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
import { errand, mode, phase, source, target } from './state.ts'
import { type Act, adopt, claim, forgetProgress, markMoved, raise, takeOver } from './statements.ts'

const fencedPhases: readonly number[] = [phase.drain, phase.cutover]

export const move = {
  'take turn at source': turnAt(source, 'take turn at target'),
  'take turn at target': turnAt(target, 'look for a cutover'),

  // src/stages/resume.ts
  'look for a cutover': (act) =>
    answer(adopt(act, source, mode.moved), 'store release', () => {
      if (act.m.phase === phase.release) return 'failed'
      if (act.s.control.online === 1)
        return act.m.epoch === 0 ? 'adopt own fence' : 'take over capture'
      if (!fencedPhases.includes(act.m.phase)) return 'adopt own fence'
      return act.rules.resumeLooks ? 'take over source' : 'trust the phase'
    }),
  'take over source': (act) =>
    answer(takeOver(act, source), () => leased(act, 'take over target'), 'adopt own fence'),
  'take over target': (act) =>
    answer(takeOver(act, target), act.rules.drainBeforeCopy ? 'bump' : 'store drain', () => {
      act.m.lease = 0
      return 'adopt own fence'
    }),
  // Only in a mutant: raises the fence again and goes on where the dead worker said it was.
  'trust the phase': (act) =>
    answer(
      raise(act, source),
      () => (act.m.phase === phase.cutover ? 'store cutover' : 'trust the target'),
      'failed',
    ),
  'trust the target': (act) => answer(takeOver(act, target), 'read rows', 'failed'),
  'adopt own fence': (act) =>
    answer(adopt(act, source, mode.readOnly), 'lower own fence', 'adopt own capture'),
  'adopt own capture': (act) =>
    answer(adopt(act, source, mode.capturing), 'lower own fence', 'store preflight'),
  'lower own fence': (act) => answer(lower(act, source), 'store preflight', 'store preflight'),

  // src/stages/preflight.ts
  'store preflight': store(phase.preflight, 'is the source moved'),
  'is the source moved': ({ s }) =>
    s.end(source).mode === mode.moved ? 'failed' : 'is something at the target',
  'is something at the target': ({ s, m }) => {
    const at = s.end(target)
    if (at.mode === mode.none && at.rows !== 0) return 'failed'
    m.memory = at.mode === mode.receiving || at.mode === mode.moved ? 1 : 0
    return 'store epoch'
  },
  'store epoch': (act) => {
    const { s, m } = act
    if (s.control.token !== m.attempt) return 'gone'
    m.epoch = s.newEpoch()
    s.control.epoch = m.epoch
    if (act.rules.claims) return 'close target'
    s.truth.known = 1
    return 'store fence'
  },
  'close target': (act) => answer(claim(act, target), 'bump at target', 'failed'),
  'bump at target': drainAt(target, 'wait at target'),
  'wait at target': ({ m }) => {
    if (m.waits !== 0) return 'wait'
    return m.memory === 1 ? 'hold for wipe' : 'is the target empty'
  },
  'is the target empty': ({ s }) =>
    s.end(target).rows === 0 ? 'forget progress' : 'give target back',
  'give target back': opened(target, mode.receiving, 'failed'),
  'hold for wipe': (act) => (act.rules.wipesHold ? holdTarget(act, 'wipe', 'failed') : 'wipe'),
  wipe: wipe('forget progress'),
  'forget progress': (act) => {
    forgetProgress(act, target)
    return act.s.control.online === 1 ? 'store capture' : 'store fence'
  },

  // src/stages/fence.ts, drain.ts
  'store fence': store(phase.fence, 'raise fence'),
  'raise fence': (act) =>
    answer(
      raise(act, source),
      () => leased(act, act.rules.drainBeforeCopy ? 'bump' : 'store drain'),
      'failed',
    ),
  bump: drainAt(source, 'wait for writers'),
  'wait for writers': ({ m, rules }) => {
    if (m.waits !== 0) return 'wait'
    return rules.drainBeforeCopy ? 'store drain' : 'store cutover'
  },
  // It is on its way since the drain began, and has come by its end.
  'store drain': store(phase.drain, 'read rows'),

  // src/copying/copy-tables.ts, src/ends/postgres/copy/copy-table.ts, chunk-writer.ts
  'read rows': copyRead('hold for chunk', 'compare: read source'),
  'hold for chunk': (act) =>
    act.rules.chunksHold ? holdTarget(act, 'commit chunk', 'failed') : 'commit chunk',
  'commit chunk': chunk('hold for chunk', 'compare: read source'),

  // src/stages/verify.ts, compare.ts
  'compare: read source': ({ s, m, rules }) => {
    m.memory = s.end(source).rows
    return rules.releaseAfterCutover ? 'compare: read target' : 'open too early'
  },
  // Only in a mutant.
  'open too early': opened(target, mode.receiving, 'compare: read target'),
  'compare: read target': ({ s, m, rules }) => {
    if (s.end(target).rows !== m.memory) return 'failed'
    m.memory = 0
    return rules.drainBeforeCopy ? 'store cutover' : 'bump'
  },

  // src/stages/cutover.ts
  'store cutover': store(phase.cutover, (act) => {
    act.m.lease = 0
    return 'cut over'
  }),
  'cut over': (act) => answer(markMoved(act, source), 'store release', 'read back'),
  'read back': readBack(source, 'store release'),

  // src/stages/release.ts
  'store release': store(phase.release, 'open target'),
  'open target': (act) => answer(openReceived(act, target), 'settle as moved', 'adopt target'),
  'adopt target': (act) =>
    answer(adopt(act, target, mode.receiving), 'open target', 'settle as moved'),
  'settle as moved': settle(phase.moved),
} satisfies Program

/** The lease is kept from here on: src/attempt/lease.ts. */
export function leased({ m }: Act, next: string): string {
  m.lease = 1 + (m.errand === errand.rollback ? target : source)
  return next
}
