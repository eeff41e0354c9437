/** Sizes of tables and of the whole database, as its server keeps them. Reads no rows. */
import type { CatalogTable } from '../../../plan/catalogs/catalog.ts'
import type { SqlEnd } from '../../end.ts'

export interface TableSize {
  /** Includes indexes, large values and partitions. */
  readonly bytes: number
  /** The server's last estimate; 0: it has made none. */
  readonly rows: number
}

/** Table → size. */
export async function tableSizes(
  { pool, schema }: Pick<SqlEnd, 'pool' | 'schema'>,
  tables: readonly CatalogTable[],
): Promise<ReadonlyMap<string, TableSize>> {
  const relations = tables.flatMap(({ name, partitions }) =>
    [name, ...partitions].map((relation) => ({ name, relation })),
  )
  const query = `select t.name, sum(pg_catalog.pg_total_relation_size(c.oid))::float8 as bytes,
      sum(greatest(c.reltuples, 0) * (c.relkind = 'r')::int)::float8 as rows
    from (select pg_catalog.unnest($2::text[]) as name,
      pg_catalog.unnest($3::text[]) as relation) t
    join pg_catalog.pg_class c on c.relname = t.relation
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace and n.nspname = $1
    group by 1`
  const names = relations.map(({ name }) => name)
  const values = [schema, names, relations.map(({ relation }) => relation)]
  const { rows } = await pool.query<TableSize & { name: string }>(query, values)
  return new Map(rows.map(({ name, ...size }) => [name, size]))
}

export async function databaseBytes({ pool }: Pick<SqlEnd, 'pool'>): Promise<number> {
  const query = `select pg_catalog.pg_database_size(
    pg_catalog.current_database())::float8 as bytes`
  return (await pool.query(query)).rows[0].bytes
}
