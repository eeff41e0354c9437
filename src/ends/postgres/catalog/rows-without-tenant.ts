/** Looks before tenants move: for rows without a tenant, and for missing indexes. */
import type { Unindexed } from '../../../plan/catalogs/catalog.ts'
import { isRecursive, type Step, stepsOf, type TenantPath } from '../../../plan/routing/path.ts'
import type { EndTable } from '../../../plan/routing/route.ts'
import type { Pool } from '../../../postgres.ts'
import { ident, literal, qualified } from '../../../quote.ts'
import { hasParentAmong, isParent } from '../matching.ts'
import { applies, goesThisWay, withDescendants } from '../tenant-of-rows.ts'

export interface WithoutTenant {
  readonly table: string
  /** Rows whose column or reference is null. */
  readonly without: number
  /** Rows that refer to a parent which does not exist, or to rows of their table that have none. */
  readonly loose: number
  /** Rows of the table refer to each other. */
  readonly recursive: boolean
  /** The columns by which rows refer to those of the table. Empty: these refer to others. */
  readonly referrers: readonly string[]
  /** Values by which the plan chooses among ways, and the number of rows without a tenant. */
  readonly kinds: readonly string[]
}

/** Reads rows that have no tenant: one query for all tables, none where there can be no such. */
export async function findWithoutTenant(
  pool: Pool,
  { schema, tables }: { readonly schema: string; readonly tables: readonly EndTable[] },
): Promise<WithoutTenant[]> {
  const looks = tables
    .filter(({ tenantless }) => tenantless !== 'stay')
    .map((at) => ({
      name: at.table.name,
      recursive: isRecursive(at.path),
      referrers: stepsOf(at.path)
        .filter(({ inverse }) => inverse)
        .map(({ parent, parentColumns }) => `${parent}.${parentColumns.join(', ')}`),
      chosenBy: columnsChosenBy(at),
      ...conditionsOf(at, schema),
    }))
    .filter(({ without, loose }) => without !== '' || loose !== '')
  if (looks.length === 0) return []
  const count = (of: string) => `count(*) filter (where ${of || 'false'})::int`
  const queries = looks.map(({ name, without, loose }, i) => {
    const some = [without, loose].filter((one) => one !== '').join(' or ')
    return `select ${i} as i, ${count(without)} as without, ${count(loose)} as loose
      from ${qualified(schema, name)} r where ${some}`
  })
  const { rows } = await pool.query<Counted>(`${queries.join(' union all ')} order by 1`)
  const results: WithoutTenant[] = []
  for (const { i, without, loose } of rows) {
    const look = looks[i]
    if (!look || without + loose === 0) continue
    const kinds = without > 0 ? await kindsOf(pool, { schema, ...look }) : []
    const { name: table, recursive, referrers } = look
    results.push({ table, without, loose, kinds, recursive, referrers })
  }
  return results
}

interface Counted {
  readonly i: number
  readonly without: number
  readonly loose: number
}

interface Look {
  readonly schema: string
  readonly name: string
  readonly without: string
  /** Columns that the plan's conditions name. */
  readonly chosenBy: readonly string[]
}

/** `subject_type Event: 2`, the most frequent ones. */
async function kindsOf(pool: Pool, { schema, name, without, chosenBy }: Look): Promise<string[]> {
  if (chosenBy.length === 0) return []
  const texts = chosenBy.map(
    (column) => `${literal(`${column} `)} || coalesce(r.${ident(column)}::text, 'null')`,
  )
  const query = `select concat_ws(', ', ${texts.join(', ')}) || ': ' || count(*) as kind
    from ${qualified(schema, name)} r where ${without} group by ${chosenBy.map((column) => `r.${ident(column)}`).join(', ')}
    order by count(*) desc limit 5`
  return (await pool.query<{ kind: string }>(query)).rows.map(({ kind }) => kind)
}

function columnsChosenBy({ table, path }: EndTable): string[] {
  const steps = stepsOf(path)
  const names = table.columns.map(({ name }) => name)
  return names.filter(
    (name) =>
      steps.some(({ when = '' }) => when.match(/[\w$]+/g)?.includes(name)) &&
      !steps.some(({ columns }) => columns.includes(name)),
  )
}

function conditionsOf({ table, path }: EndTable, schema: string) {
  const isNull = (names: readonly string[]) =>
    names
      .filter((name) => !table.columns.some((column) => column.name === name && column.notNull))
      .map((name) => `r.${ident(name)} is null`)
      .join(' or ')
  if (path.kind === 'whole') return { without: '', loose: '' }
  if (path.kind === 'column') return { without: isNull([path.column]), loose: '' }
  const steps = stepsOf(path)
  const some = `(${steps.map((step) => applies(step, 'r')).join(' or ')})`
  const without = path.kind === 'any' ? `${some} is not true` : isNull(path.columns)
  if (!steps.some((step) => step.undeclared) && !isRecursive(path)) return { without, loose: '' }
  return { without, loose: `(${some} and (${leadOn(path, { schema, alias: 'r' })}) is not true)` }
}

interface RowAt {
  readonly schema: string
  readonly alias: string
}

/** A row has a parent, or refers to a row of its table that leads to one, at any distance. */
function leadOn(path: TenantPath, at: RowAt): string {
  const own = (name: string) => `${at.alias}.${ident(name)}`
  if (!isRecursive(path))
    return stepsOf(path)
      .map((step) => hasParent(step, at))
      .join(' or ')
  const keys = path.key.map((name) => `q.${ident(name)}`).join(', ')
  const ways = (alias: string) => path.ways.map((way) => hasParent(way, { ...at, alias }))
  const direct = `select ${keys} from ${qualified(at.schema, path.table)} q
    where ${ways('q').join(' or ')}`
  const tree = withDescendants(path, at, direct)
  const selves = path.selves.map(
    (self) => `(${goesThisWay(self, at.alias)}${hasParentAmong(self, own, tree)})`,
  )
  return [...ways(at.alias), ...selves].join(' or ')
}

function hasParent(step: Step, { schema, alias }: RowAt): string {
  const own = (of: string) => (name: string) => `${of}.${ident(name)}`
  const match = isParent(step, own('p'), own(alias))
  const parent = `select from ${qualified(schema, step.parent)} p where ${match}`
  return `(${applies(step, alias)} and exists (${parent}))`
}

/**
 * References without a foreign key that no index of the referring table begins with, and those by
 * which rows are found that others refer to.
 */
export async function findUnindexed(
  pool: Pool,
  { schema, tables }: { readonly schema: string; readonly tables: readonly EndTable[] },
): Promise<Unindexed[]> {
  const looks = tables.flatMap(({ table, path }) =>
    stepsOf(path)
      .filter((step) => step.undeclared)
      .map(({ columns, inverse, parent, parentColumns }) =>
        inverse
          ? { table: parent, name: qualified(schema, parent), columns: parentColumns }
          : { table: table.name, name: qualified(schema, table.name), columns },
      ),
  )
  if (looks.length === 0) return []
  const query = `select distinct k."table", k.columns from
      pg_catalog.jsonb_to_recordset($1) k ("table" text, name text, columns text[])
    where not exists (select from pg_catalog.pg_index x
      where x.indrelid = pg_catalog.to_regclass(k.name) and x.indisvalid and x.indpred is null
        and x.indnkeyatts >= pg_catalog.cardinality(k.columns)
        and (select pg_catalog.array_agg(a.attname::text) from pg_catalog.pg_attribute a
          where a.attrelid = x.indrelid
            and a.attnum = any (x.indkey[0:pg_catalog.cardinality(k.columns) - 1])) @> k.columns)`
  return (await pool.query(query, [JSON.stringify(looks)])).rows
}
