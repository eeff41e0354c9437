/** Counts nulls and values in the first rows of tables, as a hint for plans. Reads only. */
import type { Sample, TableSample } from '../../../plan/scaffold/belonging.ts'
import type { Pool } from '../../../postgres.ts'
import { ident, idents, qualified } from '../../../quote.ts'

const rowsMax = 10_000
/** A column with more values names no tables. */
const typesMax = 100

interface Sampled {
  /** Table → the columns that are counted. */
  readonly columns: ReadonlyMap<string, readonly string[]>
  /** Table → the column whose values are listed. */
  readonly types: ReadonlyMap<string, string>
}

/** A table that our role may not read is left out. */
export async function sampleNulls(
  pool: Pool,
  schema: string,
  { columns, types }: Sampled,
): Promise<Sample> {
  const sample = new Map<string, TableSample>()
  for (const [table, names] of columns) {
    const counts = names.map((name, i) => {
      const column = `s.${ident(name)}`
      return `count(*) - count(${column}) as "${i}", count(distinct ${column}::text collate "C") as "d${i}"`
    })
    const rows = `select ${idents(names)} from ${qualified(schema, table)} limit ${rowsMax}`
    const query = `select count(*) as rows, ${counts.join(', ')} from (${rows}) s`
    const counted = await pool.query(query).then(
      (result) => result.rows[0],
      () => null,
    )
    if (!counted) continue
    const nulls = Object.fromEntries(names.map((name, i) => [name, Number(counted[i])]))
    const distinct = Object.fromEntries(names.map((name, i) => [name, Number(counted[`d${i}`])]))
    const indexed = await indexedColumns(pool, qualified(schema, table))
    sample.set(table, { rows: Number(counted.rows), nulls, distinct, indexed })
  }
  for (const [table, type] of types) {
    const rows = `select ${ident(type)}::text as type from ${qualified(schema, table)} limit ${rowsMax}`
    const query = `select array_agg(distinct type order by type) as types from (${rows}) s where type is not null`
    const counted = await pool.query<{ types: string[] | null }>(query).then(
      (result) => result.rows[0]?.types ?? [],
      () => [],
    )
    const counts = sample.get(table) ?? { rows: 0, nulls: {}, distinct: {} }
    if (counted.length <= typesMax) sample.set(table, { ...counts, types: { [type]: counted } })
  }
  return sample
}

/** Columns that an index of all rows begins with. */
async function indexedColumns(pool: Pool, table: string): Promise<string[]> {
  const query = `select array_agg(distinct a.attname::text) as names from pg_catalog.pg_index x
    join pg_catalog.pg_attribute a on a.attrelid = x.indrelid and a.attnum = x.indkey[0]
    where x.indrelid = pg_catalog.to_regclass($1) and x.indisvalid and x.indpred is null`
  return (await pool.query<{ names: string[] | null }>(query, [table])).rows[0]?.names ?? []
}
