/**
 * How the target follows a source that goes on being written. There are two ways, chosen once from
 * what both ends can: by snapshots between two databases, else by the ends' feeds.
 */
import type { Shard } from '../attempt/shard.ts'

/**
 * The extent of a comparison: nothing; what this round has brought, before it is committed, also as
 * the last one under the fence; or all rows, at the moment whose rows it has brought.
 */
export type Extent = 'nothing' | 'changes' | 'the last changes' | 'everything'

export interface Round {
  /** Entries of the log: a row that changed twice counts twice. */
  readonly changes: number
  readonly removed: number
  readonly brought: number
  readonly compared: number
  readonly ms: number
}

export interface Follower {
  /** Copies all rows while the tenant writes, and notes how far the target has come with that. */
  copy(shard: Shard): Promise<void>
  /**
   * One round: the target gets what has changed since the one before. Throws what comparisons
   * throw, and FENCE_LOST where the target is another attempt's.
   */
  round(shard: Shard, compared: Extent): Promise<Round>
  /** Brings and compares everything, and undoes it. Throws what a round throws. */
  dryRun(shard: Shard): Promise<{ changes: number; ms: number }>
  /** Notes at the old home, which is claimed, that all of the log is still to come. */
  beginAtOldHome(shard: Shard): Promise<void>
  /** Throws NOT_ALLOWED_NOW where the old home stands at no moment at all. */
  refuseHalfway(shard: Shard): Promise<void>
}
