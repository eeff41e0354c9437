/**
 * The condition that picks one tenant's rows. Pure SQL text; every statement of ours carries it.
 */
import type { TenantPath } from '../../plan/path.ts'
import { ident, literal, qualified } from '../../quote.ts'
import type { TenantRows } from '../tenant-rows.ts'

/** `schema.table r where …` for one tenant. */
export function fromTenant(schema: string, rows: TenantRows): string {
  if (rows.query !== undefined) return `(${rows.query}) r where true`
  return `${qualified(schema, rows.table.name)} r where ${tenantWhere(schema, rows)}`
}

/** A condition on `r`. */
export function tenantWhere(schema: string, { path, tenant, among }: TenantRows): string {
  const ours = tenantPredicate(path, { schema, alias: 'r', tenant })
  return among ? `${ours} and ${among}` : ours
}

/** `alias.tenant_id = '…'`, or a chain of `in (select …)` up to the parent that has the column. */
export function tenantPredicate(
  path: TenantPath,
  at: { schema: string; alias: string; tenant: string },
): string {
  if (path.kind === 'column') {
    return `${at.alias}.${ident(path.column)} = ${literal(at.tenant)}`
  }
  const own = path.columns.map((column) => `${at.alias}.${ident(column)}`).join(', ')
  const parentAlias = `${at.alias}p`
  const parents = path.parentColumns.map((column) => `${parentAlias}.${ident(column)}`).join(', ')
  const parent = `${qualified(at.schema, path.parent)} ${parentAlias}`
  const above = tenantPredicate(path.path, { ...at, alias: parentAlias })
  return `(${own}) in (select ${parents} from ${parent} where ${above})`
}

/** Joins that lead from `alias` to its tenant, and the expression that is the tenant there. */
export function tenantJoin(
  path: TenantPath,
  at: { schema: string; alias: string },
): { joins: string; tenant: string; nearestParent: string | null } {
  if (path.kind === 'column') {
    return { joins: '', tenant: `${at.alias}.${ident(path.column)}::text`, nearestParent: null }
  }
  const alias = `${at.alias}p`
  const on = path.columns
    .map(
      (column, i) =>
        `${alias}.${ident(path.parentColumns[i] ?? '')} = ${at.alias}.${ident(column)}`,
    )
    .join(' and ')
  const above = tenantJoin(path.path, { schema: at.schema, alias })
  return {
    joins: ` left join ${qualified(at.schema, path.parent)} ${alias} on ${on}${above.joins}`,
    tenant: above.tenant,
    nearestParent: `${alias}.${ident(path.parentColumns[0] ?? '')}`,
  }
}

/** The root of a path: the parent that holds the tenant's column. */
export function rootColumn(path: TenantPath): string {
  return path.kind === 'column' ? path.column : rootColumn(path.path)
}
