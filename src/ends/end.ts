/**
 * One end of a move, by what it can. What an end lacks is absent: nothing asks of which kind it is.
 */
import { RehomeError } from '../errors.ts'
import { type Pool, toRehomeError } from '../postgres.ts'
import type { Feed, FeedOf } from './feed.ts'
import type { Flags } from './flags.ts'
import type { LoadMeter } from './load.ts'
import type { Digests, Rows } from './rows.ts'

/** A database: where it is and how to reach it. */
export interface SqlEnd {
  readonly name: 'source' | 'target'
  readonly schema: string
  /** All rows of the schema's planned tables are this tenant's. Absent: those of many tenants. */
  readonly tenant?: string | undefined
  /** Each tenant has a schema of its own, and none is chosen yet. */
  readonly schemaOf?: ((tenant: string) => string) | undefined
  /** The whole database is one tenant's. */
  readonly isWholeDatabase?: boolean | undefined
  /** Opens another database of the same server. Present where tenants have databases. */
  readonly beside?: ((database: string) => Pool) | undefined
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
  /** One connection, for looks at the load. Absent: there are none. */
  readonly looks?: Pool | undefined
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
  /** Its name among `ends`. Absent: no function of the plan chooses it. */
  readonly chosenAs?: string
  /** Where people read that it is: an address without user or password. */
  readonly place: string
  readonly flags: Flags
  readonly rows: Rows
  /** Makes digests of rows. Absent: its rows are read, and the other end makes them. */
  readonly digests?: Digests
  /** Its log of changes. Absent: there is none, and an online move is impossible. */
  readonly feed?: (of: FeedOf) => Feed
  /** Shows the load on it. Absent: it does not. */
  readonly load?: LoadMeter
  /** A database: snapshots, COPY and SQL of the plan. Absent: it is asked step by step. */
  readonly sql?: SqlEnd
  /** Each tenant has a place of its own. Absent: one place does for all. */
  readonly places?: Places
  /**
   * Where tenants have schemas of their own: for each tenant a text that is equal for schemas of
   * the same tables and guards, whatever they are called; null: there is no such schema.
   */
  readonly prints?: (tenants: readonly string[]) => Promise<readonly (string | null)[]>
  close(): Promise<void>
}

/** An end of a plan before a tenant is chosen. It is an `End`, unless the tenant decides where. */
export interface PlanEnd extends Partial<Omit<End, 'name' | 'place' | 'close'>> {
  readonly name: 'source' | 'target'
  /** Where people read that it is; of several databases in words. */
  readonly place: string
  close(): Promise<void>
}

/** Where each tenant is: in which schema, in which database, at which of several ends. */
export interface Places {
  /**
   * The end as one tenant has it, which describes its tables. It shares what this one has opened.
   * Throws PLAN_INVALID where the plan names no place for the tenant.
   */
  of(tenant: string): End
  /** The tenant's home as people and flags call it. Throws as `of` does. Opens nothing. */
  placeOf(tenant: string): string
  /**
   * The tenant's end at a place of which one is chosen, whichever that is now. null: none is there.
   * Absent: there is no choice.
   */
  readonly at?: (tenant: string, place: string) => End | null
  /** The tenants by databases. Throws PLAN_INVALID where two have the same place. */
  among(tenants: readonly string[]): Iterable<TenantsAt>
}

/** A database of an end, and some tenants that are there. */
export interface TenantsAt {
  readonly end: End
  readonly tenants: readonly string[]
}

export interface PlanEnds {
  readonly source: PlanEnd
  readonly target: PlanEnd
  /** The pool of the database that keeps flags for ends that have none; closed with them. */
  readonly flagPool?: Pool
}

export interface Ends extends PlanEnds {
  readonly source: End
  readonly target: End
}

/** The ends as one tenant has them. Throws PLAN_INVALID where the plan has no place for it. */
export function endsOf(ends: PlanEnds, tenant: string): Ends {
  return { ...ends, source: endOf(ends.source, tenant), target: endOf(ends.target, tenant) }
}

/** Throws PLAN_INVALID where the plan has no place for the tenant. */
export function endOf(end: PlanEnd, tenant: string): End {
  return end.places?.of(tenant) ?? sharedEnd(end)
}

/** null: the plan has no such place for the tenant. */
export function endAtPlace(end: PlanEnd, tenant: string, place: string): End | null {
  if (end.places?.at) return end.places.at(tenant, place)
  return placeOfTenant(end, tenant) === place ? endOf(end, tenant) : null
}

/** The tenants by databases of the end: all at one, unless the tenant decides. */
export function tenantsAt(end: PlanEnd, tenants: readonly string[]): Iterable<TenantsAt> {
  return end.places?.among(tenants) ?? [{ end: sharedEnd(end), tenants }]
}

export function placeOfTenant(end: PlanEnd, tenant: string): string {
  return end.places?.placeOf(tenant) ?? end.place
}

/** null: at an end each tenant has a place of its own. */
export function commonEnds(ends: PlanEnds): Ends | null {
  const { source, target } = ends
  if (source.places || target.places || !isEnd(source) || !isEnd(target)) return null
  return { ...ends, source, target }
}

/** For plans that allow no place of a tenant's own. Throws UNEXPECTED where there is one. */
export function sharedEnds(ends: PlanEnds): Ends {
  return { ...ends, source: sharedEnd(ends.source), target: sharedEnd(ends.target) }
}

/** null: an end is several databases. */
export function ofOneDatabase({
  source,
  target,
}: PlanEnds): Pick<Ends, 'source' | 'target'> | null {
  return isEnd(source) && isEnd(target) ? { source, target } : null
}

/** Throws UNEXPECTED where the tenant decides which end it is. */
export function sharedEnd(end: PlanEnd): End {
  if (isEnd(end)) return end
  throw new RehomeError('UNEXPECTED', `the ${end.name} depends on the tenant`)
}

function isEnd(end: PlanEnd): end is End {
  return end.rows !== undefined && end.flags !== undefined
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
