/**
 * Whether the plan's conditions on rows (`when`) mean the same in every session: guards ask them
 * with the settings of the application, copies and comparisons with ours.
 *
 * The server decides it as it does for an index: over an empty temporary table, which is rolled
 * back at once.
 */
import { stepsOf } from '../../../plan/routing/path.ts'
import type { EndTable } from '../../../plan/routing/route.ts'
import { type Client, type Pool, sqlStateOf, withClient } from '../../../postgres.ts'
import { qualified } from '../../../quote.ts'

export interface UnsteadyCondition {
  readonly table: string
  readonly condition: string
  /** The rest of a sentence about the condition. */
  readonly why: string
}

export async function findUnsteadyConditions(
  pool: Pool,
  { schema, tables }: { readonly schema: string; readonly tables: readonly EndTable[] },
): Promise<UnsteadyCondition[]> {
  const pairs = tables.flatMap(({ table, path }) => {
    const conditions = stepsOf(path).flatMap(({ when }) => (when === undefined ? [] : [when]))
    return [...new Set(conditions)].map((condition) => ({ table: table.name, condition }))
  })
  if (pairs.length === 0) return []
  return await withClient(pool, async (client) => {
    const unsteady: UnsteadyCondition[] = []
    for (const one of pairs) {
      const why = await unsteadiness(client, qualified(schema, one.table), one.condition)
      if (why !== null) unsteady.push({ ...one, why })
    }
    return unsteady
  })
}

/** null: the condition is steady, or nothing can be found out here. */
async function unsteadiness(client: Client, table: string, when: string): Promise<string | null> {
  const at = { table, path: 'set local search_path = pg_catalog, pg_temp' }
  return await asIndexed(client, at, { sql: when, look: foreignPartOf })
}

async function foreignPartOf(client: Client): Promise<string | null> {
  const [used] = (await client.query<{ name: string }>(foreignParts)).rows
  return used ? `uses ${used.name}` : null
}

/**
 * Why the server takes an expression over `r`, a row of the table, for one that depends on more
 * than its row. null: it does not, or nothing can be found out here. `look`: what else to look at.
 */
export async function asIndexed(
  client: Client,
  { table, path }: { readonly table: string; readonly path: string },
  {
    sql,
    look,
  }: { readonly sql: string; readonly look?: (client: Client) => Promise<string | null> },
): Promise<string | null> {
  await client.query(`begin; ${path}`)
  try {
    await client.query(`create temporary table r (like ${table})`)
    await client.query(`create index rehome_condition on pg_temp.r ((${sql}))`)
    return (await look?.(client)) ?? null
  } catch (error) {
    return reasons[sqlStateOf(error) ?? ''] ?? null
  } finally {
    await client.query('rollback')
  }
}

const reasons: Readonly<Record<string, string>> = {
  '42P17': 'depends on more than its row (a function or a cast in it is not IMMUTABLE)',
  '0A000': 'reads more than its row',
}

/**
 * Functions, operators, and columns of base types, which the index uses. Enums compare anywhere
 * alike. Texts of dates and times are read by the settings, when a statement is planned.
 */
const foreignParts = `
  select pg_describe_object(d.refclassid, d.refobjid, 0) || ', which is not of PostgreSQL itself' as name
  from pg_depend d
  where d.classid = 'pg_class'::regclass and d.objid = 'pg_temp.rehome_condition'::regclass
    and d.refclassid in ('pg_proc'::regclass, 'pg_operator'::regclass) and d.refobjid >= 16384
  union all
  select 'type ' || format_type(t.oid, null) || case when t.oid >= 16384
    then ', which is not of PostgreSQL itself' else ', whose texts depend on settings' end
  from pg_depend d
  join pg_attribute a on a.attrelid = d.refobjid and a.attnum = d.refobjsubid
  join pg_type t on t.oid = a.atttypid
  where d.classid = 'pg_class'::regclass and d.objid = 'pg_temp.rehome_condition'::regclass
    and d.refclassid = 'pg_class'::regclass and d.refobjsubid > 0
    and (t.typtype = 'b' and t.typelem = 0 and t.oid >= 16384 or t.typcategory in ('D', 'T'))
  limit 1`
