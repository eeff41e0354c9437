/** The homes that tenants may have, as the application reaches them. */
import { RehomeError } from '../errors.ts'
import { placeOf } from '../place.ts'
import type { Fence } from './fence.ts'
import type { FlagPool } from './flags.ts'
import type { ListeningClient } from './listener.ts'

/** Where a tenant lives. */
export interface Home<Db> {
  readonly name: string
  /** The database handle of the application there. */
  readonly db: Db
  /** The tenant's schema there, where the home has `schema`. */
  readonly schema?: string | undefined
}

export interface HomeOptions<Db> {
  /** The database handle of the application: a pool, a Kysely, a Drizzle… */
  readonly db: Db
  /** Where flags are asked for. Default: `db`, if that is a pool of `pg`. */
  readonly pool?: FlagPool
  /**
   * `host:port/database` (`… (scope)`, where both models live in one), as plans reach it: flags
   * of tenants that have moved have it. Default: as the pool reaches it.
   */
  readonly place?: string
  /** The schema of a tenant's tables there: its name, or a function that returns it. */
  readonly schema?: string | ((tenant: string) => string)
  /** The feature or data model as which tenants are known there. Default `default`. */
  readonly scope?: string
}

/** A home with all that is to be known of it. */
export interface KnownHome<Db> extends Omit<Home<Db>, 'schema'> {
  readonly places: readonly string[]
  readonly scope: string
  /** null: it is not asked, and believed to be open. */
  readonly pool: FlagPool | null
  /** null: this home cannot be listened to. */
  readonly connect: (() => ListeningClient) | null
  readonly schema?: HomeOptions<Db>['schema']
  /** Keeps it open until the function that it returns is called. Absent: it stays open. */
  readonly use?: () => () => void
}

/** Throws USAGE where a home has neither a pool nor a place. */
export function homeOf<Db>(name: string, options: HomeOptions<Db>): KnownHome<Db> {
  const { db, scope = 'default', schema } = options
  const pool = options.pool ?? (isPool(db) ? db : null)
  const address = pool === null ? null : addressOf(pool)
  const place = options.place ?? address
  if (place === null) {
    const message = `home "${name}": give it a \`pool\` of pg for its flags, and its \`place\` if that cannot be seen from the pool`
    throw new RehomeError('USAGE', message)
  }
  const places = options.place === undefined ? [place, `${place} (${scope})`] : [place]
  const own = schema === undefined ? {} : { schema }
  return { name, db, scope, pool, places, connect: connectorOf(pool), ...own }
}

/**
 * Where the tenant has gone by its flag. One database may be several homes, with a scope
 * each: a plan names the one that has its own scope by the database alone. Throws SETTING_MISSING
 * where no home is there.
 */
export function homeAt<Db>(
  homes: Pick<ReadonlyMap<string, KnownHome<Db>>, 'get' | 'values'>,
  { tenant, movedTo }: Fence,
  from: KnownHome<Db>,
): KnownHome<Db> {
  const there = [...homes.values()].filter(
    (home) => home !== from && home.places.includes(movedTo ?? ''),
  )
  const one = there.length > 1 ? there.find(({ scope }) => scope === from.scope) : there[0]
  const home = one ?? (movedTo === null ? undefined : homes.get(movedTo))
  if (home) return home
  const homeList = [...homes.values()].map(({ name, places }) => `"${name}" (${places[0]})`)
  const message = `tenant ${JSON.stringify(tenant)} has moved to ${movedTo}, where none of the homes is: ${homeList.join(', ')}; give that home \`place: ${JSON.stringify(movedTo)}\``
  throw new RehomeError('SETTING_MISSING', message)
}

function isPool(value: unknown): value is FlagPool {
  return typeof value === 'object' && value !== null && hasMethod(value, 'query')
}

function hasMethod<Name extends string>(
  value: object,
  name: Name,
): value is Record<Name, (...values: never[]) => unknown> {
  return typeof Reflect.get(value, name) === 'function'
}

interface PoolOptions {
  readonly connectionString?: string
  readonly host?: string
  readonly port?: number | string
  readonly database?: string
  readonly user?: string
}

/** The address that `pg` would connect to. */
function addressOf(pool: FlagPool): string | null {
  const options: PoolOptions | undefined = Reflect.get(pool, 'options')
  if (typeof options !== 'object') return null
  const { connectionString, host, port, database, user } = options
  if (connectionString !== undefined) {
    return URL.canParse(connectionString) ? placeOf(connectionString) : null
  }
  const { PGHOST, PGPORT, PGDATABASE, PGUSER } = process.env
  const name = database ?? PGDATABASE ?? user ?? PGUSER
  if (name === undefined) return null
  return `${host ?? PGHOST ?? 'localhost'}:${port ?? PGPORT ?? 5432}/${name}`
}

type ClientClass = new (options: unknown) => ListeningClient

/** A connection beside the pool's: who listens keeps it. */
function connectorOf(pool: FlagPool | null): (() => ListeningClient) | null {
  const Client: ClientClass | undefined = pool ? Reflect.get(pool, 'Client') : undefined
  if (!pool || typeof Client !== 'function') return null
  return () => new Client(Reflect.get(pool, 'options'))
}
