/**
 * One round of catching up: the target gets what has changed since the round before. Between two
 * databases it is one snapshot and one transaction; where an end is asked over HTTP it is many
 * steps, which come to the same.
 */

import type { Shard } from '../attempt/shard.ts'
import { tryFollowing } from './by-feed/feed-audit.ts'
import { followOnce } from './by-feed/feed-round.ts'
import { bringOnce, tryOnce } from './by-snapshot/snapshot-round.ts'
import { isAsked } from './feeds.ts'
import type { Compared, Round } from './rounds.ts'

/** Throws what comparisons throw, and FENCE_LOST where the target is another attempt's. */
export async function catchUpOnce(shard: Shard, compared: Compared): Promise<Round> {
  return await (isAsked(shard) ? followOnce(shard, compared) : bringOnce(shard, compared))
}

/** Brings and compares everything, and undoes it. Throws what a round throws. */
export async function tryRound(shard: Shard): Promise<{ changes: number; ms: number }> {
  return await (isAsked(shard) ? tryFollowing(shard) : tryOnce(shard))
}
