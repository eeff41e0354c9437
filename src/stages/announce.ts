/** Parameters of a fence's or a capture's announcement, and the error where another flag stands. */

import { holdOf, type Shard } from '../attempt/shard.ts'
import type { End } from '../ends/end.ts'
import type { Raise } from '../ends/flags.ts'
import { RehomeError } from '../errors.ts'

export function announcementOf(shard: Shard, reason: string): Raise {
  const { leaseMs, retryAfterS } = shard.plan.fence
  const { epoch, move } = shard
  return { ...holdOf(shard), epoch, moveId: move.id, reason, retryAfterS, leaseMs }
}

/**
 * Nothing has been copied yet: the other end opens again, as it may be what the other move waits
 * for, and its tenant's home.
 */
export async function heldByAnother(shard: Shard, end: End): Promise<RehomeError> {
  shard.lease.letGo()
  await shard.ends.target.flags.giveUpTarget(holdOf(shard))
  const flag = await end.flags.readFlag(holdOf(shard))
  const by = `${flag?.mode ?? 'fenced'} by move ${flag?.moveId ?? '?'}`
  return new RehomeError('FENCE_HELD', `the ${end.name} is already ${by}`)
}
