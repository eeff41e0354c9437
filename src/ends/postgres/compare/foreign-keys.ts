/**
 * Looks for rows of the tenant that point at nothing, once for all rows: that is several times
 * cheaper than checking each while it is copied, and is what makes copying without triggers safe.
 */
import type { CatalogForeignKey, CatalogPartitionKey } from '../../../plan/catalogs/catalog.ts'
import type { EndTable } from '../../../plan/routing/route.ts'
import { ident, idents } from '../../../quote.ts'
import type { SqlEnd } from '../../end.ts'
import type { BrokenReference, TenantRows } from '../../tenant-rows.ts'
import { isKept } from '../matching.ts'
import { fromTenant } from '../predicate.ts'
import { queryPlan, readsPlanSql } from '../search-path.ts'
import { tenantPredicate } from '../tenant-of-rows.ts'

/** `tables`: all that the tenant's rows are in. */
export async function brokenReferences(
  target: SqlEnd,
  rows: TenantRows,
  tables: readonly EndTable[],
): Promise<BrokenReference[]> {
  const broken: BrokenReference[] = []
  const { foreignKeys, outerKeys, partitionKeys } = rows.table
  for (const key of [...foreignKeys, ...outerKeys, ...partitionKeys]) {
    // Rows found by such a key have their parent; by others the application may refer to nothing.
    if (key.undeclared) continue
    const isOurs = ({ table }: EndTable) =>
      key.parentSchema === target.schema && key.parent === table.name
    const parent = tables.find(isOurs)
    const found = await brokenBy(target, rowsOf(rows, key), { key, parent })
    if (found.rows > 0) broken.push({ foreignKey: key.name, ...found })
  }
  return broken
}

/** A key of one partition is kept by its rows alone. */
function rowsOf(rows: TenantRows, key: CatalogForeignKey | CatalogPartitionKey): TenantRows {
  if (!('relation' in key)) return rows
  return { ...rows, table: { ...rows.table, name: key.relation } }
}

interface Reference {
  readonly key: CatalogForeignKey
  readonly parent: EndTable | undefined
}

async function brokenBy(
  target: SqlEnd,
  rows: TenantRows,
  { key, parent }: Reference,
): Promise<{ rows: number; values: string[] }> {
  const { schema } = target
  const columns = key.columns.map((column) => `r.${ident(column)}`)
  const missing = (of: readonly string[], more?: string) =>
    `not ${isKept(key, (_, i) => of[i] ?? '', more)}`
  // First among the tenant's own rows, as nearly all are there: a table holds many tenants.
  const { tenant } = rows
  const own = parent && tenantPredicate(parent.path, { schema, alias: 'p', tenant })
  const given = columns.map((column) => `${column} is not null`).join(' and ')
  const names = columns.map((_, i) => `s.c${i}`)
  const query = `
    with suspects as materialized (
      select ${columns.map((column, i) => `${column} as c${i}`).join(', ')}
      from ${fromTenant(schema, rows)} and ${given}${own ? ` and ${missing(columns, own)}` : ''})
    select count(*)::int as rows, coalesce((array_agg(value))[1:20], '{}') as values from (
      select row(${names.join(', ')})::text as value from suspects s
      where ${missing(names)}) b`
  const row = (await target.pool.query(query)).rows[0]
  return { rows: row.rows, values: row.values }
}

/**
 * Duplicate or absent keys among the tenant's rows; only asked where no unique index answers it.
 */
export async function repeatedKeys(
  source: SqlEnd,
  rows: TenantRows,
  key: readonly string[],
): Promise<string[]> {
  const columns = idents(key)
  const absent = key.map((name) => `${ident(name)} is null`).join(' or ')
  const query = `select row(${columns})::text as key from ${fromTenant(source.schema, rows)}
    group by ${columns} having count(*) > 1 or ${absent} limit 20`
  const answer = readsPlanSql(rows, [])
    ? queryPlan(source.pool, source, query)
    : source.pool.query(query)
  return (await answer).rows.map((row: { key: string }) => row.key)
}
