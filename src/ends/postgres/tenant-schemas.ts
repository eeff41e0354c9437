/**
 * Ends where each tenant has a schema of its own: the one place that turns a tenant's id into the
 * name of a schema. From here on the schema is as any other one, and the path of its tables means
 * that all of their rows are the tenant's.
 */
import { RehomeError } from '../../errors.ts'
import { nameMaxBytes } from '../../place.ts'
import type { Catalog, CatalogTable } from '../../plan/catalogs/catalog.ts'
import { sqlStateOf } from '../../postgres.ts'
import { failedAt, type SqlEnd } from '../end.ts'
import { askPlan } from '../placing.ts'
import type { Known } from '../rows.ts'

/** Throws PLAN_INVALID where the plan's function names no schema that a tenant can have. */
export function schemaOfTenant(end: SqlEnd, tenant: string): SqlEnd {
  return { ...end, schema: schemaName(end, tenant), tenant, schemaOf: undefined }
}

function schemaName({ name: end, schemaOf }: SqlEnd, tenant: string): string {
  const named: unknown = askPlan({ field: `${end}.schema`, tenant }, () => schemaOf?.(tenant))
  const reason = reasonAgainst(named)
  if (reason === null) return String(named)
  const text = typeof named === 'string' ? JSON.stringify(named.slice(0, 80)) : String(named)
  const whose = JSON.stringify(tenant.slice(0, 80))
  const message = `plan field \`${end}.schema\` names ${text} for tenant ${whose}: ${reason}`
  throw new RehomeError('PLAN_INVALID', message, { tenant })
}

/** Another name than the one that is asked for would be another schema. */
function reasonAgainst(named: unknown): string | null {
  if (typeof named !== 'string') return 'it has to return a text'
  const bytes = Buffer.byteLength(named)
  if (bytes === 0 || bytes > nameMaxBytes) {
    return `a schema's name has 1 to ${nameMaxBytes} bytes, and this one ${bytes}`
  }
  if (named.includes('\0') || /\p{Surrogate}/u.test(named)) return 'no schema can be called so'
  const isOurs = /^(pg_.*|information_schema|rehome|rehome_log|rehome_control|bullmq)$/.test(named)
  return isOurs ? "that schema is no tenant's" : null
}

/** The catalogue of a tenant's own schema: all rows are the tenant's. */
export function ofTenant(catalog: Catalog, tenant: string): Catalog {
  const whole = (table: CatalogTable): CatalogTable => {
    return { ...table, path: { kind: 'whole', tenant } }
  }
  const tables = [...catalog.tables].map(([name, table]) => [name, whole(table)] as const)
  return { ...catalog, tables: new Map(tables) }
}

/** Tenants are known by their schemas. Ids stay as they are: there is no column to write them. */
export async function knownBySchema(end: SqlEnd, tenants: readonly string[]): Promise<Known[]> {
  const names = schemaNames(end, tenants)
  const query = `select w.tenant, exists (select from pg_catalog.pg_namespace n
      where n.nspname operator(pg_catalog.=) w.name) as "hasRows"
    from rows from (pg_catalog.unnest($1::pg_catalog.text[]), pg_catalog.unnest($2::pg_catalog.text[]))
      w (tenant, name)`
  return (await end.pool.query(query, [tenants, names])).rows
}

/** Throws PLAN_INVALID where one of them has none, or two have the same one. */
export function schemaNames(end: SqlEnd, tenants: readonly string[]): string[] {
  const names = tenants.map((tenant) => schemaName(end, tenant))
  refuseSharedSchemas(end, tenants, names)
  return names
}

/** Throws PLAN_INVALID: what moves one of two tenants would move the other. */
function refuseSharedSchemas(
  end: SqlEnd,
  tenants: readonly string[],
  names: readonly string[],
): void {
  const owners = new Map<string, string>()
  for (const [i, name] of names.entries()) {
    const tenant = tenants[i] ?? ''
    const other = owners.get(name) ?? tenant
    owners.set(name, other)
    if (other === tenant) continue
    const both = [other, tenant].map((id) => JSON.stringify(id.slice(0, 80))).join(' and ')
    const message = `plan field \`${end.name}.schema\` names "${name}" for both tenants ${both}`
    throw new RehomeError('PLAN_INVALID', message)
  }
}

/** Throws what else keeps us from a connection. */
export async function databaseExists({ pool, name, place }: SqlEnd): Promise<boolean> {
  const answer = await pool.query('select').catch(unlessGone).catch(failedAt({ name, place }))
  return answer !== null
}

/** For `catch`: null where a tenant's database does not exist. */
export function unlessGone(error: unknown): null {
  if (sqlStateOf(error) === '3D000') return null
  throw error
}
