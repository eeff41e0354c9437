/**
 * Looks for rows of the tenant that point at nothing, once for all rows: that is several times
 * cheaper than checking each while it is copied, and is what makes copying without triggers safe.
 */
import { itemAt } from '../../../known.ts'
import type { CatalogForeignKey, CatalogPartitionKey } from '../../../plan/catalogs/catalog.ts'
import type { EndTable } from '../../../plan/routing/route.ts'
import { ident, idents } from '../../../quote.ts'
import type { SqlEnd } from '../../end.ts'
import type { BrokenReference, TenantRows } from '../../tenant-rows.ts'
import { isKept } from '../matching.ts'
import { fromTenant } from '../predicate.ts'
import { fewAtOnce } from '../relations.ts'
import { queryPlan, readsPlanSql } from '../search-path.ts'
import { TenantParameters, tenantPredicate } from '../tenant-of-rows.ts'

/** `tables`: all that the tenant's rows are in. One call for so many as it may lock. */
export async function brokenReferences(
  target: SqlEnd,
  of: readonly TenantRows[],
  tables: readonly EndTable[],
): Promise<BrokenReference[][]> {
  const looks = of.flatMap((rows, place) => {
    const { foreignKeys, outerKeys, partitionKeys } = rows.table
    // Rows found by such a key have their parent; by others the application may refer to nothing.
    const kept = [...foreignKeys, ...outerKeys, ...partitionKeys].filter((key) => !key.undeclared)
    return kept.map((key) => {
      const isParent = ({ table }: EndTable) =>
        key.parentSchema === target.schema && key.parent === table.name
      const parent = tables.find(isParent)
      const locks = parent ? [rows.table, parent.table] : [rows.table]
      return { place, key, rows: rowsOf(rows, key), parent, locks }
    })
  })
  const broken: BrokenReference[][] = of.map(() => [])
  for (const some of fewAtOnce(looks, ({ locks }) => locks)) {
    // A single table may be a large tenant's, for which the server plans anew.
    const parameters = of.length > 1 ? new TenantParameters() : undefined
    const queries = some.map(({ rows, ...reference }, i) => {
      const query = selectBroken(target, rows, { ...reference, parameters })
      return `select ${i} as i, b.rows, b.values from (${query}) b where b.rows > 0`
    })
    const text = `${queries.join(' union all ')} order by 1`
    const answer = await target.pool.query(text, parameters?.values)
    for (const { i, rows, values } of answer.rows) {
      const { place, key } = itemAt(some, i)
      broken[place]?.push({ foreignKey: key.name, rows, values })
    }
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
  readonly parameters: TenantParameters | undefined
}

function selectBroken(
  { schema }: SqlEnd,
  rows: TenantRows,
  { key, parent, parameters }: Reference,
): string {
  const columns = key.columns.map((column) => `r.${ident(column)}`)
  const missing = (of: readonly string[], more?: string) =>
    `not ${isKept(key, (_, i) => of[i] ?? '', more)}`
  // First among the tenant's own rows, as nearly all are there: a table holds many tenants.
  const { tenant } = rows
  const own = parent && tenantPredicate(parent.path, { schema, alias: 'p', tenant, parameters })
  const notNull = columns.map((column) => `${column} is not null`).join(' and ')
  const names = columns.map((_, i) => `s.c${i}`)
  return `
    with suspects as materialized (
      select ${columns.map((column, i) => `${column} as c${i}`).join(', ')}
      from ${fromTenant(schema, rows, parameters)} and ${notNull}${own ? ` and ${missing(columns, own)}` : ''})
    select count(*)::int as rows, coalesce((array_agg(value))[1:20], '{}') as values from (
      select row(${names.join(', ')})::text as value from suspects s
      where ${missing(names)}) b`
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
