/** Rights that our role lacks on tables and schemas of one database. Reads the catalogue only. */
import type { Pool } from '../../postgres.ts'
import { ident, qualified } from '../../quote.ts'

export interface WantedRights {
  readonly schema: string
  /** `*`: every table of the schema. */
  readonly table: string
  readonly rights: readonly ('SELECT' | 'INSERT' | 'UPDATE' | 'DELETE')[]
  /** Columns that are updated, each of which needs the right. Default: any column will do. */
  readonly updated?: readonly string[]
}

export interface MissingRights {
  readonly role: string
  /** For people: `INSERT on rehome.turns`. */
  readonly rights: readonly string[]
  /** Statements that give them, for an owner or a superuser. */
  readonly grants: readonly string[]
}

/** Where no columns are named, a right on some counts: the statements find which one is needed. */
const tablesQuery = `
  select current_user as role, w.schema, c.relname as name,
    array_agg(p.p || coalesce(' (' || lacking.columns || ')', '') order by p.p) as rights
  from jsonb_to_recordset($1::jsonb) as w(schema text, "table" text, rights text[], updated text[])
  join pg_namespace n on n.nspname = w.schema
  join pg_class c on c.relnamespace = n.oid and c.relkind in ('r', 'p')
    and (c.relname = w."table" or w."table" = '*' and not c.relispartition)
  cross join unnest(w.rights) p(p)
  cross join lateral (
    select string_agg(a.attname, ', ' order by a.attnum) as columns from pg_attribute a
    where p.p = 'UPDATE' and a.attrelid = c.oid and a.attname = any (w.updated)
      and not has_column_privilege(c.oid, a.attnum, p.p)) lacking
  where case when p.p = 'DELETE' then not has_table_privilege(c.oid, p.p)
    else lacking.columns is not null or not has_any_column_privilege(c.oid, p.p) end
  group by w.schema, c.relname order by 2, 3`

const schemasQuery = `
  select current_user as role, nspname as schema from pg_namespace
  where nspname = any($1) and not has_schema_privilege(oid, 'USAGE') order by 2`

/** Tables and schemas that do not exist are passed over. null: nothing is missing. */
export async function missingRights(
  pool: Pool,
  needs: readonly WantedRights[],
): Promise<MissingRights | null> {
  const names = [...new Set(needs.map(({ schema }) => schema))]
  const [tables, schemas] = await Promise.all([
    pool.query(tablesQuery, [JSON.stringify(needs)]),
    pool.query(schemasQuery, [names]),
  ])
  const all = [
    ...schemas.rows.map(({ role, schema }) => ({
      role,
      text: `USAGE on schema ${schema}`,
      grant: `grant usage on schema ${ident(schema)}`,
    })),
    ...tables.rows.map(({ role, schema, name, rights }) => ({
      role,
      text: `${rights.join(', ')} on ${schema}.${name}`,
      grant: `grant ${rights.join(', ').toLowerCase()} on ${qualified(schema, name)}`,
    })),
  ]
  const [first] = all
  if (!first) return null
  return {
    role: first.role,
    rights: all.map(({ text }) => text),
    grants: all.map(({ grant, role }) => `${grant} to ${ident(role)}`),
  }
}
