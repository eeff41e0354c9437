/**
 * An end where each tenant has a database of its own: the one place that turns a tenant's id into
 * the URL of a database. Pools are opened when a tenant is worked for. Those of the databases that
 * were used last keep their connections; others close theirs, as soon as these are idle.
 */
import { now } from '../../clock.ts'
import { RehomeError } from '../../errors.ts'
import type { SqlEndpoint, UrlOf } from '../../plan/endpoint.ts'
import { createPool, type Pool } from '../../postgres.ts'
import { type End, endOf, type PlanEnd, type SqlEnd, type TenantsAt } from '../end.ts'
import { askPlan } from '../placing.ts'
import { databaseEnd } from '../postgres/database-end.ts'
import { closeSqlEnd, type OpeningSql, openDatabase } from '../postgres/postgres-end.ts'
import { besideOf, quoted, tenantUrl } from './tenant-url.ts'

interface Opened {
  readonly sql: SqlEnd
  readonly end: End
  usedAt: number
}

/** A caller that has just been given pools may not have connected yet. */
const keptMs = 60_000

/** Throws nothing: what the function returns is looked at when a tenant is asked for. */
export function openTenantDatabases(
  name: 'source' | 'target',
  endpoint: SqlEndpoint & { readonly url: UrlOf },
  { environment, ...opening }: OpeningSql,
): PlanEnd {
  const { schema, url: urlOf, databases } = endpoint
  const schemaOf = typeof schema === 'function' ? schema : () => schema
  /** The one that was used last comes last. */
  const opened = new Map<string, Opened>()
  const suffix = opening.scope === undefined ? '' : ` (${opening.scope})`
  const locate = (tenant: string) => {
    const made = askPlan({ field: `${name}.url`, tenant }, () => urlOf(tenant, environment))
    const url = tenantUrl(made, { name, tenant })
    return { url, place: `${url.place}${suffix}` }
  }
  const open = (tenant: string): End => {
    const { text: url } = locate(tenant).url
    const before = opened.get(url)
    opened.delete(url)
    const one = before ?? openOne(url)
    one.usedAt = now()
    opened.set(url, one)
    spare(opened, databases)
    return one.end
  }
  const openOne = (url: string): Opened => {
    const isWholeDatabase = typeof schema !== 'function'
    const one = openDatabase(name, { ...endpoint, schema: schemaOf }, { ...opening, url })
    const beside = (database: string) =>
      createPool({ url: besideOf(url, database), name, size: 1, tls: endpoint.tls })
    const sql = { ...one, isWholeDatabase, beside }
    return { sql, end: databaseEnd(sql), usedAt: now() }
  }
  function* among(tenants: readonly string[]): Iterable<TenantsAt> {
    const owners = new Map<string, string>()
    for (const tenant of tenants) {
      const { place } = locate(tenant)
      const key = JSON.stringify([place, schemaOf(tenant)])
      refuseShared(name, { place, tenant, other: owners.get(key) })
      owners.set(key, tenant)
      yield { end: open(tenant), tenants: [tenant] }
    }
  }
  return {
    name,
    place: `a database for each tenant${suffix}`,
    places: {
      of: (tenant) => endOf(open(tenant), tenant),
      placeOf: (tenant) => locate(tenant).place,
      among,
    },
    close: async () => {
      await Promise.all([...opened.values()].map(({ sql }) => closeSqlEnd(sql)))
    },
  }
}

/** Throws PLAN_INVALID: what moves one of two tenants would move the other. */
function refuseShared(
  name: string,
  { place, tenant, other }: { place: string; tenant: string; other: string | undefined },
): void {
  if (other === undefined || other === tenant) return
  const both = [other, tenant].map(quoted).join(' and ')
  const message = `plan field \`${name}.url\` names ${place} for both tenants ${both}`
  throw new RehomeError('PLAN_INVALID', message)
}

/** Closes idle connections to the databases that were used least recently. */
function spare(opened: Map<string, Opened>, most: number): void {
  let beyond = opened.size - most
  for (const [url, { sql, usedAt }] of opened) {
    if (beyond <= 0) return
    beyond -= 1
    const pools = [sql.pool, sql.lifeline, sql.writers, sql.looks].filter(
      (pool) => pool !== undefined,
    )
    // Without connections there is nothing to close, and an attempt may go on with its pools.
    const connected = pools.filter((pool) => pool.totalCount > 0)
    if (connected.length === 0 && now() - usedAt > keptMs) opened.delete(url)
    for (const pool of connected) void closeIdle(pool).catch(() => {})
  }
}

async function closeIdle(pool: Pool): Promise<void> {
  while (pool.idleCount > 0) (await pool.connect()).release(true)
}
