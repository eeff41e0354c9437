/**
 * One end of a move, by what it can. What an end lacks is absent: nothing asks of which kind it is.
 */
import { RehomeError } from '../errors.ts'
import { type Pool, toRehomeError } from '../postgres.ts'
import type { Feed, FeedOf } from './feed.ts'
import type { Flags } from './flags.ts'
import type { Digests, Rows } from './rows.ts'

/** A database: where it is and how to reach it. */
export interface SqlEnd {
  readonly name: 'source' | 'target'
  readonly schema: string
  /** All rows of the schema's planned tables are this tenant's. Absent: those of many tenants. */
  readonly tenant?: string | undefined
  /** Each tenant has a schema of its own, and none is chosen yet. */
  readonly schemaOf?: ((tenant: string) => string) | undefined
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
   * connection, nor for longer than 2 s by an end that does not answer.
   */
  readonly lifeline: Pool
  /**
   * Sessions that switch foreign keys and triggers off, where our role may: those of the pool would
   * forget the plans of their statements each time. Absent: the pool's are used.
   */
  readonly writers?: Pool | undefined
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
  /** Each tenant has a schema of its own. Absent: one schema does for all. */
  readonly schemas?: TenantSchemas
  close(): Promise<void>
}

export interface TenantSchemas {
  /**
   * The end with one tenant's schema, which describes its tables. It shares what this one has
   * opened. Throws PLAN_INVALID where the plan names no schema for the tenant.
   */
  of(tenant: string): End
  /**
   * For each tenant a text that is equal for schemas of the same tables and guards, whatever they
   * are called; null: there is no such schema. Throws PLAN_INVALID where two have the same one.
   */
  prints(tenants: readonly string[]): Promise<readonly (string | null)[]>
}

export interface Ends {
  readonly source: End
  readonly target: End
  /** The pool of the database that keeps flags for ends that have none; closed with them. */
  readonly flagPool?: Pool
}

/** The ends as one tenant has them. Throws PLAN_INVALID where the plan names no schema for it. */
export function endsOf(ends: Ends, tenant: string): Ends {
  const own = (end: End) => end.schemas?.of(tenant) ?? end
  return { ...ends, source: own(ends.source), target: own(ends.target) }
}

/** At an end each tenant has a schema of its own. */
export function hasSchemas({ source, target }: Ends): boolean {
  return source.schemas !== undefined || target.schemas !== undefined
}

/** Throws PREFLIGHT_FAILED where the end makes none: `check` has reported it. */
export function digestsOf({ digests, name, place }: End): Digests {
  if (digests) return digests
  throw new RehomeError('PREFLIGHT_FAILED', `the ${name} (${place}) makes no digests of its rows`)
}

/** For `catch`: throws what a call to the end failed with, as an error that names the end. */
export function failedAt({ name, place }: Pick<End, 'name' | 'place'>): (error: unknown) => never {
  return (error) => {
    throw toRehomeError(error, `the ${name} (${place})`)
  }
}
