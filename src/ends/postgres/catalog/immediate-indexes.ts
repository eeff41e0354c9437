/** Unique and exclusion constraints that are checked at once, each row for itself. Reads only. */
import type { SqlEnd } from '../../end.ts'

export interface ImmediateIndex {
  readonly table: string
  readonly name: string
  /** null: it has expressions. */
  readonly columns: readonly string[] | null
}

/** Constraints of the whole schema, also those over expressions and those of some rows alone. */
export async function immediateIndexes({ pool, schema }: SqlEnd): Promise<ImmediateIndex[]> {
  const query = `
    select t.relname as table, x.relname as name, case when i.indexprs is null then
      array(select a.attname::text from unnest(i.indkey[0:i.indnkeyatts - 1]) k
        join pg_catalog.pg_attribute a on a.attrelid = i.indrelid and a.attnum = k) end as columns
    from pg_catalog.pg_index i join pg_catalog.pg_class t on t.oid = i.indrelid
    join pg_catalog.pg_class x on x.oid = i.indexrelid
    join pg_catalog.pg_namespace n on n.oid = t.relnamespace
    where n.nspname = $1 and not t.relispartition and i.indimmediate and i.indisvalid
      and (i.indisunique or i.indisexclusion)
    order by t.relname, i.indexrelid`
  return (await pool.query<ImmediateIndex>(query, [schema])).rows
}
