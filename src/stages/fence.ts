/** The tenant's writes are refused at the source from this commit on. The lease starts with it. */

import { holdOf, type Shard, type Stage } from '../attempt/shard.ts'
import type { Flag, Flags, Raise } from '../ends/flags.ts'
import { RehomeError } from '../errors.ts'
import { announcementOf, heldByAnother } from './announce.ts'

export const fence: Stage = {
  phase: 'fence',
  async run(shard) {
    if (await raise(shard, (flags, by) => flags.raiseFence(by))) return
    throw await heldByAnother(shard, shard.ends.source)
  },
}

/** Fences a tenant whose changes are logged. */
export const fenceWriting: Stage = {
  phase: 'fence',
  async run(shard) {
    if (await raise(shard, (flags, by) => flags.fenceCaptured(by))) return
    shard.lease.letGo()
    throw new RehomeError('FENCE_LOST', 'a writer has ended the capture: it had lapsed')
  },
}

type Announce = (flags: Flags, announced: Raise) => Promise<Flag | null>

/** Held before it is announced: the pause counts from here, and a lost answer is a held fence. */
async function raise(shard: Shard, announce: Announce): Promise<boolean> {
  const { flags } = shard.ends.source
  shard.lease.hold(flags, holdOf(shard))
  const reason = shard.goesBack ? 'moving back' : 'moving to another database'
  const raised = await announce(flags, announcementOf(shard, reason))
  if (raised) shard.lease.heldFor(raised.heldMs)
  return raised !== null
}
