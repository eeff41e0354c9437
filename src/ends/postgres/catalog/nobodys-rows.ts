/** Looks before tenants move: for rows without a tenant, and for missing indexes. */
import type { EndTable } from '../../../plan/routing/route.ts'
import type { Pool } from '../../../postgres.ts'
import { ident, qualified } from '../../../quote.ts'
import { isParent } from '../matching.ts'

export interface NobodysRows {
  readonly table: string
  /** Rows whose column or reference is null. */
  readonly without: number
  /** Rows that refer to a parent which does not exist. */
  readonly loose: number
}

/** Reads rows that have no tenant: one query for all tables, none where there can be no such. */
export async function findNobodys(
  pool: Pool,
  { schema, tables }: { readonly schema: string; readonly tables: readonly EndTable[] },
): Promise<NobodysRows[]> {
  const looks = tables
    .filter(({ tenantless }) => tenantless !== 'stay')
    .map((at) => ({ name: at.table.name, ...conditionsOf(at, schema) }))
    .filter(({ without, loose }) => without !== '' || loose !== '')
  if (looks.length === 0) return []
  const count = (of: string) => `count(*) filter (where ${of || 'false'})::int`
  const queries = looks.map(({ name, without, loose }, i) => {
    const some = [without, loose].filter((one) => one !== '').join(' or ')
    return `select ${i} as i, ${count(without)} as without, ${count(loose)} as loose
      from ${qualified(schema, name)} r where ${some}`
  })
  const { rows } = await pool.query(`${queries.join(' union all ')} order by 1`)
  return rows
    .filter(({ without, loose }: NobodysRows) => without + loose > 0)
    .map(({ i, without, loose }: NobodysRows & { i: number }) => {
      return { table: looks[i]?.name ?? '', without, loose }
    })
}

function conditionsOf({ table, path }: EndTable, schema: string) {
  const columns = path.kind === 'column' ? [path.column] : path.columns
  const nullable = columns.filter(
    (name) => !table.columns.some((column) => column.name === name && column.notNull),
  )
  const without = nullable.map((name) => `r.${ident(name)} is null`).join(' or ')
  if (path.kind === 'column' || !path.undeclared) return { without, loose: '' }
  const own = (alias: string) => (name: string) => `${alias}.${ident(name)}`
  const given = columns.map((name) => `r.${ident(name)} is not null`).join(' and ')
  const loose = `(${given} and not exists (select from ${qualified(schema, path.parent)} p
    where ${isParent(path, own('p'), own('r'))}))`
  return { without, loose }
}

/** References without a foreign key that no index of the referring table begins with. */
export async function findUnindexed(
  pool: Pool,
  { schema, tables }: { readonly schema: string; readonly tables: readonly EndTable[] },
): Promise<{ readonly table: string; readonly columns: readonly string[] }[]> {
  const looks = tables.flatMap(({ table, path }) =>
    path.kind === 'through' && path.undeclared
      ? [{ table: table.name, name: qualified(schema, table.name), columns: path.columns }]
      : [],
  )
  if (looks.length === 0) return []
  const query = `select k."table", k.columns from
      pg_catalog.jsonb_to_recordset($1) k ("table" text, name text, columns text[])
    where not exists (select from pg_catalog.pg_index x
      where x.indrelid = pg_catalog.to_regclass(k.name) and x.indisvalid and x.indpred is null
        and x.indnkeyatts >= pg_catalog.cardinality(k.columns)
        and (select pg_catalog.array_agg(a.attname::text) from pg_catalog.pg_attribute a
          where a.attrelid = x.indrelid
            and a.attnum = any (x.indkey[0:pg_catalog.cardinality(k.columns) - 1])) @> k.columns)`
  return (await pool.query(query, [JSON.stringify(looks)])).rows
}
