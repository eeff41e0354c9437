/** The way in which the changes of a shard are followed, by what its ends can. */
import type { Ends } from '../ends/end.ts'
import { byFeed } from './by-feed/feed-follower.ts'
import { bySnapshot } from './by-snapshot/snapshot-follower.ts'
import type { Follower } from './follower.ts'

export function followerOf({ ends: { source, target } }: { readonly ends: Ends }): Follower {
  return source.sql && target.sql ? bySnapshot : byFeed
}
