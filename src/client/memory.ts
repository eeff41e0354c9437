/**
 * A cache of each tenant's home: read again when it is too old, or after a notification that it
 * has changed. It is never the guarantee: a write at the wrong home is refused there.
 */
import { createHash } from 'node:crypto'
import { now } from '../clock.ts'

export interface Memory<T> {
  /** The home at most `ageMsMax` ago. Concurrent callers wait for the same answer. */
  get(tenant: string, ageMsMax: (known: T) => number): Promise<T>
  /** However old; undefined: nothing was ever known. */
  last(tenant: string): T | undefined
  /** The tenant with this hash; undefined: nothing is remembered of it. */
  tenantOf(tenantHash: string): string | undefined
  /** Marks a tenant as changed; null: all tenants. An answer that is under way does not count. */
  invalidate(tenant: string | null): void
}

/** The hash that `rehome.notify_flag_change()` sends. */
function tenantHashOf(tenant: string): string {
  return createHash('sha256').update(tenant).digest('hex')
}

interface Entry<T> {
  readonly askedAt: number
  readonly answer: Promise<T>
  known?: T
  /** The answer before this one, from where to go on asking. */
  readonly before: T | undefined
  doubted: boolean
}

/** The tenants that were asked for longest ago are forgotten first. */
export function createMemory<T>(
  ask: (tenant: string, before: T | undefined) => Promise<T>,
  tenantsMax: number,
): Memory<T> {
  const entries = new Map<string, Entry<T>>()
  /** Hash → tenant, of the same tenants. */
  const names = new Map<string, string>()
  const forget = (tenant: string) => {
    entries.delete(tenant)
    names.delete(tenantHashOf(tenant))
  }

  const askNow = (tenant: string, last: Entry<T> | undefined): Promise<T> => {
    const before = last?.known ?? last?.before
    const entry: Entry<T> = { askedAt: now(), answer: ask(tenant, before), before, doubted: false }
    entries.delete(tenant)
    entries.set(tenant, entry)
    if (!last) names.set(tenantHashOf(tenant), tenant)
    entry.answer.then(
      (answer) => {
        entry.known = answer
      },
      () => {
        entry.doubted = true
      },
    )
    const [oldest] = entries.keys()
    if (entries.size > tenantsMax && oldest !== undefined) forget(oldest)
    return entry.answer
  }
  return {
    async get(tenant, ageMsMax) {
      const entry = entries.get(tenant)
      if (!entry || entry.doubted) return await askNow(tenant, entry)
      const { known } = entry
      if (known === undefined) return await entry.answer
      return now() - entry.askedAt <= ageMsMax(known) ? known : await askNow(tenant, entry)
    },
    last(tenant) {
      const entry = entries.get(tenant)
      return entry?.known ?? entry?.before
    },
    tenantOf: (tenantHash) => names.get(tenantHash),
    invalidate(tenant) {
      const some = tenant === null ? entries.values() : [entries.get(tenant)]
      for (const entry of some) if (entry) entry.doubted = true
    },
  }
}
