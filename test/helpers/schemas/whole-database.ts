// All rows that an application has in a database, as texts: to see what a removal has changed.
import type pg from 'pg'

/** `schema.relation row`, sorted, of every schema but PostgreSQL's and ours. */
export async function wholeDatabase(pool: pg.Pool): Promise<string[]> {
  const relations = `select format('%I.%I', n.nspname, c.relname) as name
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where c.relkind = 'r' and n.nspname !~ '^(pg_|information_schema|rehome|bullmq)'`
  const { rows } = await pool.query<{ name: string }>(relations)
  const texts = rows.map(
    ({ name }) => `select '${name.replaceAll("'", "''")} ' || r::text as row from ${name} r`,
  )
  const all = await pool.query<{ row: string }>(texts.join(' union all '))
  return all.rows.map(({ row }) => row).sort()
}
