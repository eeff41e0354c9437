/**
 * The one commit after which the target is the tenant's home. The intent is stored by then (this
 * phase is). An answer that is lost is unknown: the flag is read back, nothing is guessed.
 */

import { holdOf, type Shard, type Stage } from '../attempt/shard.ts'
import { now } from '../clock.ts'
import type { End } from '../ends/end.ts'
import type { Flag } from '../ends/flags.ts'
import { RehomeError } from '../errors.ts'
import { toRehomeError } from '../postgres.ts'

export const cutover: Stage = {
  phase: 'cutover',
  async run(shard) {
    shard.lease.letGo()
    const { source, target } = shard.ends
    await commitMoved(shard, { from: source, to: target.place })
  },
}

/** Renewals have stopped before: the row must not change between the verification and this. */
export async function commitMoved(
  shard: Shard,
  { from, to }: { from: End; to: string },
): Promise<void> {
  const askedAt = now()
  const answer = await from.flags.markMoved({ ...holdOf(shard), movedTo: to }).then(
    (flag) => flag ?? lost(from.name),
    (failure: unknown) => toRehomeError(failure, `the ${from.name}`),
  )
  const flag = answer instanceof RehomeError ? await readBack(shard, from) : answer
  if (!flag) throw answer
  shard.pausedSince = askedAt - flag.heldMs
}

async function readBack(shard: Shard, from: End): Promise<Flag | null> {
  const flag = await from.flags.readFlag(holdOf(shard))
  return flag?.token === shard.token && flag.mode === 'moved' ? flag : null
}

function lost(end: string): RehomeError {
  const message = `the ${end}'s fence was gone at the cutover: its lease had lapsed; nothing was changed`
  return new RehomeError('FENCE_LOST', message)
}
