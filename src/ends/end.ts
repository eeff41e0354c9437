/**
 * One end of a move, by what it can. What an end lacks is absent: nothing asks of which kind it is.
 */
import { RehomeError } from '../errors.ts'
import type { Pool } from '../postgres.ts'
import type { Feed, FeedOf } from './feed.ts'
import type { Flags } from './flags.ts'
import type { Digests, Rows } from './rows.ts'

/** A database: where it is and how to reach it. */
export interface SqlEnd {
  readonly name: 'source' | 'target'
  readonly schema: string
  /** Where functions of the application find what they name; see search-path.ts. */
  readonly searchPath?: readonly string[] | undefined
  /** `host:port/database`, without user or password. */
  readonly address: string
  /** The place, with the data model where it has both. */
  readonly place: string
  readonly pool: Pool
  /** The pool's sessions are in a transaction already; of a snapshot all see the same. */
  readonly within?: 'snapshot' | 'transaction'
  /**
   * For flags, and for what keeps fences: never kept waiting by copies that hold every other
   * connection, nor for longer than 2 s by an end that says nothing.
   */
  readonly lifeline: Pool
  /** The name of the plan's scope here, if it is another. */
  readonly scope?: string | undefined
  /** Flags, over the lifeline's connections. */
  readonly flags: Flags
}

export interface End {
  readonly name: 'source' | 'target'
  /** Where people read that it is: an address without user or password. */
  readonly place: string
  readonly flags: Flags
  readonly rows: Rows
  /** Makes digests of rows. Absent: its rows are read, and the other end makes them. */
  readonly digests?: Digests
  /** Its log of changes. Absent: there is none, and an online move is impossible. */
  readonly feed?: (of: FeedOf) => Feed
  /** A database: snapshots, COPY and SQL of the plan. Absent: it is asked step by step. */
  readonly sql?: SqlEnd
  close(): Promise<void>
}

export interface Ends {
  readonly source: End
  readonly target: End
  /** The pool of the database that keeps flags for ends that have none; closed with them. */
  readonly flagPool?: Pool
}

/** Throws PREFLIGHT_FAILED where the end makes none: `check` has said so. */
export function digestsOf({ digests, name, place }: End): Digests {
  if (digests) return digests
  throw new RehomeError('PREFLIGHT_FAILED', `the ${name} (${place}) makes no digests of its rows`)
}
