/**
 * Homes that are databases of single tenants: opened when a tenant is worked for, and closed again
 * when others are, so that an application holds pools to some of them only.
 */
import { RehomeError } from '../errors.ts'
import { type HomeOptions, homeOf, type KnownHome } from './home.ts'

export interface DatabasesOptions<Db> {
  /**
   * Opens a database by its place: `host:port/database`, as flags of tenants that have moved there
   * have it, or what `first` has returned.
   */
  readonly open: (place: string) => HomeOptions<Db>
  /** Closes what `open` has opened. Work that runs there is waited for. */
  readonly close: (db: Db) => Promise<unknown>
  /** Databases that stay open while nothing is done there. Default 20. */
  readonly most?: number
}

/** Homes by name: those that are listed, and databases of tenants. */
export type KnownHomes<Db> = Pick<ReadonlyMap<string, KnownHome<Db>>, 'get' | 'values' | 'size'>

export interface TenantDatabases<Db> extends KnownHomes<Db> {
  /** Closes those that are open, and opens no other. Repeating it changes nothing. */
  close(): Promise<void>
}

interface Opened<Db> {
  readonly home: KnownHome<Db>
  /** Pieces of work that run there. */
  users: number
}

const mostDefault = 20

/** Homes with databases of tenants beside the listed ones. */
export function withDatabases<Db>(
  listed: ReadonlyMap<string, KnownHome<Db>>,
  { open, close, most = mostDefault }: DatabasesOptions<Db>,
): TenantDatabases<Db> {
  /** The one that was used last comes last. */
  const opened = new Map<string, Opened<Db>>()
  let isClosed = false
  const at = (place: string): Opened<Db> => {
    if (isClosed) {
      throw new RehomeError('USAGE', `the homes were closed: "${place}" is not opened again`)
    }
    const one = opened.get(place) ?? { home: homeOf(place, { place, ...open(place) }), users: 0 }
    opened.delete(place)
    opened.set(place, one)
    spare()
    return one
  }
  const spare = () => {
    const [last] = [...opened.keys()].slice(-1)
    for (const [place, { home, users }] of opened) {
      if (opened.size <= most) return
      if (users > 0 || place === last) continue
      opened.delete(place)
      void close(home.db).catch(() => {})
    }
  }
  const homes = new Map<string, KnownHome<Db>>()
  return {
    get(name) {
      const before = listed.get(name) ?? homes.get(name)
      if (before) return before
      const home = lazyHome(() => at(name), { place: name, spare })
      homes.set(name, home)
      return home
    },
    values: () => listed.values(),
    size: listed.size + mostDefault,
    async close() {
      isClosed = true
      const open = [...opened.values()]
      opened.clear()
      await Promise.all(open.map(({ home }) => close(home.db)))
    },
  }
}

/** Stays the same while the database is closed and opened again. */
function lazyHome<Db>(
  at: () => Opened<Db>,
  { place, spare }: { readonly place: string; readonly spare: () => void },
): KnownHome<Db> {
  return {
    name: place,
    places: [place],
    scope: at().home.scope,
    connect: null,
    get db() {
      return at().home.db
    },
    get pool() {
      return at().home.pool
    },
    get schema() {
      return at().home.schema
    },
    use() {
      const one = at()
      one.users += 1
      return () => {
        one.users -= 1
        spare()
      }
    },
  }
}
