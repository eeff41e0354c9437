/**
 * Rows that refer to a tenant's rows without being among them: those of tables that stay behind,
 * and those of planned tables that their path does not reach. A move would leave them behind, and a
 * removal would break their references. Reads only.
 */
import type { CatalogReference } from '../../plan/catalog.ts'
import { childName } from '../../plan/dependents.ts'
import type { TenantPath } from '../../plan/path.ts'
import type { EndTable } from '../../plan/route.ts'
import type { Client, Pool } from '../../postgres.ts'
import { ident, qualified } from '../../quote.ts'
import type { Strays } from '../tenant-rows.ts'
import { byEquality, hasParentAmong } from './matching.ts'
import { tenantPredicate } from './predicate.ts'

export interface StraysAsked {
  readonly schema: string
  readonly tenant: string
  /** All that the tenant's rows are in. */
  readonly tables: readonly EndTable[]
  /** Of which keys. Absent: of all. */
  readonly among?: (key: CatalogReference) => boolean
}

/** One query for all keys; none where no row can stray. Returns keys of which there are some. */
export async function findStrays(db: Pool | Client, asked: StraysAsked): Promise<Strays[]> {
  const looks = asked.tables.flatMap((parent) => {
    const { references } = parent.table
    return references.flatMap((key) =>
      (asked.among?.(key) ?? true) ? lookOf(asked, parent, key) : [],
    )
  })
  if (looks.length === 0) return []
  const query = looks.map(({ sql }, i) => `select ${i} as i, s.* from (${sql}) s`)
  const { rows } = await db.query(`${query.join(' union all ')} order by 1`)
  return rows
    .filter(({ rows: n }: { rows: number }) => n > 0)
    .flatMap(({ i, rows: n, values }: { i: number; rows: number; values: string[] }) => {
      const look = looks[i]
      return look ? [{ ...look.of, rows: n, values }] : []
    })
}

interface Look {
  readonly of: Omit<Strays, 'rows' | 'values'>
  readonly sql: string
}

function lookOf(
  { schema, tenant, tables }: StraysAsked,
  parent: EndTable,
  key: CatalogReference,
): Look[] {
  const child =
    key.schema === schema ? tables.find(({ table }) => table.name === key.table) : undefined
  if (child && reaches(child.path, { parent, key })) return []
  const own = child && tenantPredicate(child.path, { schema, alias: 'c', tenant })
  const equal = byEquality(key)
  const at = (name: string) => `c.${ident(name)}`
  const columns = key.columns.map(at).join(', ')
  const theirs = equal.parentColumns.map((name) => `p.${ident(name)}`).join(', ')
  const parents = `select ${theirs} from ${qualified(schema, key.parentRelation)} p`
  const ours = tenantPredicate(parent.path, { schema, alias: 'p', tenant })
  const sql = `select count(*)::int as rows,
      coalesce((array_agg(row(${columns})::text))[1:3], '{}') as values
    from ${qualified(key.schema, key.relation)} c
    where ${hasParentAmong(equal, at, `${parents} where ${ours}`)}
      ${own ? `and (${own}) is not true` : ''}`
  const table = childName(key, schema)
  return [{ of: { table, foreignKey: key.name, parent: parent.table.name, planned: !!child }, sql }]
}

/** A row that refers to a tenant's row by this key is the tenant's, whatever is in it. */
function reaches(
  path: TenantPath,
  { parent, key }: { readonly parent: EndTable; readonly key: CatalogReference },
): boolean {
  const leads = (own: string, theirs: string | undefined) =>
    key.columns.some((name, i) => name === own && key.parentColumns[i] === theirs)
  if (path.kind === 'column') {
    return parent.path.kind === 'column' && leads(path.column, parent.path.column)
  }
  const same = path.columns.length === key.columns.length && path.parent === parent.table.name
  return same && path.columns.every((name, i) => leads(name, path.parentColumns[i]))
}
