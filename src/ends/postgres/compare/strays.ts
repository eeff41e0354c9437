/**
 * Rows that refer to a tenant's rows without being among them: those of tables that stay behind,
 * and those of planned tables that their path does not reach. A move would leave them behind, and a
 * removal would break their references. Reads only.
 */
import type { CatalogReference } from '../../../plan/catalogs/catalog.ts'
import { childName } from '../../../plan/catalogs/dependents.ts'
import { stepsOf, type TenantPath } from '../../../plan/routing/path.ts'
import type { EndTable } from '../../../plan/routing/route.ts'
import type { Client, Pool } from '../../../postgres.ts'
import { ident, literal, qualified } from '../../../quote.ts'
import type { Strays } from '../../tenant-rows.ts'
import { byEquality, hasParentAmong } from '../matching.ts'
import { partitionTree } from '../relations.ts'
import { goesThisWay, tenantPredicate, tenantsOf } from '../tenant-of-rows.ts'

export interface StraysAsked {
  readonly schema: string
  readonly tenant: string
  /** All that the tenant's rows are in. */
  readonly tables: readonly EndTable[]
  /** Selects keys. Absent: all. */
  readonly among?: (key: CatalogReference) => boolean
}

/** One query for all keys; none where no row can stray. Returns keys of which there are some. */
export async function findStrays(db: Pool | Client, request: StraysAsked): Promise<Strays[]> {
  const looks = looksOf(request)
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

export interface SlowLook {
  readonly table: string
  readonly foreignKey: string
  /** The number of rows, as PostgreSQL estimates it. */
  readonly rows: number
}

/** Keys of tables with so many rows that are looked through whole, for want of an index. */
export async function findSlowLooks(
  db: Pool,
  { rowsMin, ...request }: StraysAsked & { readonly rowsMin: number },
): Promise<SlowLook[]> {
  const looks = looksOf(request).flatMap(({ of: { table, foreignKey }, key }) => {
    if (!key) return []
    const name = qualified(key.schema, key.relation)
    return [{ table, foreignKey, name, columns: key.columns }]
  })
  if (looks.length === 0) return []
  const query = `select k.table as "table", k."foreignKey", n.rows from
      pg_catalog.jsonb_to_recordset($1) k ("table" text, "foreignKey" text, name text, columns text[])
      cross join lateral (select pg_catalog.to_regclass(k.name) as oid) c
      cross join lateral (select sum(greatest(t.reltuples, 0))::float8 as rows from pg_catalog.pg_class t
        where t.oid = c.oid or t.oid in (select relid from ${partitionTree('c.oid')})) n
    where n.rows >= $2 and not exists (select from pg_catalog.pg_index x
      join pg_catalog.pg_attribute a on a.attrelid = x.indrelid and a.attnum = x.indkey[0]
      where x.indrelid = c.oid and x.indisvalid and x.indpred is null and a.attname = any (k.columns))`
  return (await db.query(query, [JSON.stringify(looks), rowsMin])).rows
}

function looksOf(request: StraysAsked): Look[] {
  const ofKeys = request.tables.flatMap((parent) => {
    const { references } = parent.table
    return references.flatMap((key) =>
      (request.among?.(key) ?? true) ? lookOf(request, parent, key) : [],
    )
  })
  return [
    ...ofKeys,
    ...(request.among ? [] : request.tables.flatMap((at) => tornLook(request, at))),
  ]
}

/** Rows of the tenant that another way leads to another tenant. */
function tornLook({ schema, tenant }: StraysAsked, { table, path }: EndTable): Look[] {
  if (path.kind !== 'any') return []
  const ours = tenantPredicate(path, { schema, alias: 'c', tenant })
  const others = `select from (${tenantsOf(path, { schema, alias: 'c' })}) o (t)
    where o.t operator(pg_catalog.<>) ${literal(tenant)}`
  const key = path.key.map((name) => `c.${ident(name)}`).join(', ')
  const sql = `select count(*)::int as rows,
      coalesce((array_agg(row(${key})::text))[1:3], '{}') as values
    from ${qualified(schema, table.name)} c where ${ours} and exists (${others})`
  const names = stepsOf(path).map(({ columns, parent, parentColumns, inverse }) =>
    inverse ? `${parent}.${parentColumns.join(', ')}` : columns.join(', '),
  )
  const foreignKey = names.join(' and ')
  return [{ of: { table: table.name, foreignKey, parent: '', planned: true }, key: null, sql }]
}

interface Look {
  readonly of: Omit<Strays, 'rows' | 'values'>
  /** null: of no single key. */
  readonly key: CatalogReference | null
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
    where ${goesThisWay(key, 'c')}${hasParentAmong(equal, at, `${parents} where ${ours}`)}
      ${own ? `and (${own}) is not true` : ''}`
  const table = childName(key, schema)
  const of = { table, foreignKey: key.name, parent: parent.table.name, planned: !!child }
  return [{ of, key, sql }]
}

/** A row that refers to a tenant's row by this key is the tenant's, whatever is in it. */
function reaches(
  path: TenantPath,
  { parent, key }: { readonly parent: EndTable; readonly key: CatalogReference },
): boolean {
  const leads = (own: string, theirs: string | undefined) =>
    key.columns.some((name, i) => name === own && key.parentColumns[i] === theirs)
  if (path.kind === 'whole') return true
  if (path.kind === 'column') {
    return parent.path.kind === 'column' && leads(path.column, parent.path.column)
  }
  return stepsOf(path).some(
    (step) =>
      step.columns.length === key.columns.length &&
      step.parent === parent.table.name &&
      step.when === key.when &&
      step.columns.every((name, i) => leads(name, step.parentColumns[i])),
  )
}
