/**
 * Tries what the target demands of rows on those of the source, as the plan maps them and before
 * any of them is brought: as conditions on a query. Reads only.
 */

import type { QueryResult } from 'pg'
import { itemAt } from '../../../known.ts'
import type { CatalogTable } from '../../../plan/catalogs/catalog.ts'
import type { Trial } from '../../../plan/routing/demands.ts'
import type { TenantPath } from '../../../plan/routing/path.ts'
import type { Route } from '../../../plan/routing/route.ts'
import type { Pool } from '../../../postgres.ts'
import { ident, literal, qualified } from '../../../quote.ts'
import { queryTogether } from '../query-together.ts'
import { enterPlan, type Schemas } from '../search-path.ts'
import { tenantJoin, tenantPredicate } from '../tenant-of-rows.ts'
import { arrayOfTexts } from '../text-batches.ts'

/** One tenant, a list of them, or all that there are. */
export type Whose = { readonly tenant: string } | { readonly tenants: readonly string[] | null }

export interface Violation {
  readonly trial: Trial
  readonly rows: number
  readonly tenants: number
  /** The key of one of the rows, and its tenant. */
  readonly key: string
  readonly tenant: string
}

export interface TrialsAsked {
  readonly whose: Whose
  /** The tables of the source by their names. */
  readonly tables: ReadonlyMap<string, CatalogTable>
  /** Longer than this is an error, 57014. */
  readonly timeoutMs: number
}

/** One statement for all. Throws whatever one of them fails with at this database. */
export async function tryDemands(
  end: Schemas & { readonly pool: Pool },
  trials: readonly Trial[],
  options: TrialsAsked,
): Promise<Violation[]> {
  if (trials.length === 0) return []
  const looks = trials.map(
    (trial, i) => `select ${i} as i, l.* from (${lookOf(end, trial, options)}) l`,
  )
  const statements = [
    `set local statement_timeout = ${options.timeoutMs}`,
    'set local transaction_read_only = on',
    enterPlan(end),
    looks.join(' union all '),
  ]
  const results = await queryTogether(end.pool, statements)
  const { rows }: QueryResult<Found> = itemAt(results, statements.length - 1)
  return rows.flatMap(({ i, ...violation }) => {
    const trial = trials[i]
    return trial && violation.rows > 0 ? [{ trial, ...violation }] : []
  })
}

interface Found extends Omit<Violation, 'trial'> {
  readonly i: number
}

const summary = `count(*)::float8 as rows, count(distinct n.rehome_tenant)::int as tenants,
  min(n.rehome_key) as key, min(n.rehome_tenant) as tenant`

function lookOf(end: Schemas, trial: Trial, options: TrialsAsked): string {
  const mapped = mappedRows(end, trial, options)
  const { of, where } = trial
  const counted = where === null ? '' : ` and (${where})`
  if (of.kind === 'row') {
    return `select ${summary} from (${mapped}) n where (${of.violated})${counted}`
  }
  const values = of.parts.map((part, i) => `(${part}) as rehome_${i}`)
  const names = of.parts.map((_, i) => `rehome_${i}`)
  const number = 'pg_catalog.row_number() over () as rehome_n'
  const rows = `select rehome_key, rehome_tenant, ${number}, ${values.join(', ')}
    from (${mapped}) n where true${counted}`
  if (of.kind === 'exclusion') {
    const conflict = names.map((name, i) => `n.${name} ${of.operators[i]} b.${name}`)
    return `with v as materialized (${rows}) select ${summary} from v n where exists
      (select from v b where b.rehome_n <> n.rehome_n and ${conflict.join(' and ')})`
  }
  // A row value with a null in it is no null to an index.
  const filled = of.nullsEqual ? 'true' : `pg_catalog.num_nulls(${names.join(', ')}) = 0`
  return `select ${summary} from (select v.*, count(*) over (partition by ${names.join(', ')}) as c
      from (${rows}) v where ${filled}) n where n.c > 1`
}

/** The columns that it may read, as they arrive, with key and tenant of each row. */
function mappedRows(end: Schemas, { route, columns, where }: Trial, options: TrialsAsked): string {
  const all = route.target.columns.filter(({ generated }) => !generated).map(({ name }) => name)
  const values = (where === null ? columns : all).map(
    (name) => `${arriving(route, name)} as ${ident(name)}`,
  )
  const key = route.sourceKey.map((name) => `r.${ident(name)}::pg_catalog.text`).join(', ')
  const { joins, tenant } = tenantJoin(route.sourcePath, { schema: end.schema, alias: 'r' })
  const from = qualified(end.schema, route.source.name)
  return `select ${[...values, `pg_catalog.concat_ws(', ', ${key}) as rehome_key`].join(', ')},
    ${tenant} as rehome_tenant from ${from} r${joins} where ${belongs(end, route, options)}`
}

/** A column that nothing fills is null. */
function arriving(route: Route, name: string): string {
  const column = route.columns.find((one) => one.name === name)
  if (column) {
    const { expression, castTo } = column
    return castTo === null ? expression : `${expression}::pg_catalog.${ident(castTo)}`
  }
  const type = route.target.columns.find((one) => one.name === name)?.typeSql ?? 'pg_catalog.text'
  return `null::${type}`
}

function belongs(
  { schema }: Schemas,
  { source, sourcePath }: Route,
  { whose, tables }: TrialsAsked,
): string {
  if ('tenant' in whose) {
    return tenantPredicate(sourcePath, { schema, alias: 'r', tenant: whose.tenant })
  }
  const { tenant } = tenantJoin(sourcePath, { schema, alias: 'r' })
  if (whose.tenants === null) return `${tenant} is not null`
  const type = tenantType(sourcePath, tables, source.name)
  const ids = arrayOfTexts(
    whose.tenants.map((id) => [id]),
    0,
  )
  return `${tenant} operator(pg_catalog.=) any (array(select t::${type}::pg_catalog.text
    from pg_catalog.unnest(${literal(ids)}::pg_catalog.text[]) t))`
}

/** Ids are compared as the column writes them. */
function tenantType(path: TenantPath, tables: TrialsAsked['tables'], name: string): string {
  if (path.kind === 'through') return tenantType(path.path, tables, path.parent)
  const [way] = path.kind === 'any' ? path.ways : []
  if (way) return tenantType(way, tables, name)
  if (path.kind !== 'column') return 'pg_catalog.text'
  const column = tables.get(name)?.columns.find((one) => one.name === path.column)
  return column?.typeSql ?? 'pg_catalog.text'
}
