/** Counts nulls in the first rows of tables, as a hint for plans. Reads only. */
import type { Sample, TableSample } from '../../../plan/scaffold/belonging.ts'
import type { Pool } from '../../../postgres.ts'
import { ident, idents, qualified } from '../../../quote.ts'

const rowsMax = 10_000

/** A table that our role may not read is left out. `columns`: by table, those that are counted. */
export async function sampleNulls(
  pool: Pool,
  schema: string,
  columns: ReadonlyMap<string, readonly string[]>,
): Promise<Sample> {
  const sample = new Map<string, TableSample>()
  for (const [table, names] of columns) {
    const counts = names.map((name, i) => `count(*) - count(s.${ident(name)}) as "${i}"`)
    const rows = `select ${idents(names)} from ${qualified(schema, table)} limit ${rowsMax}`
    const query = `select count(*) as rows, ${counts.join(', ')} from (${rows}) s`
    const found = await pool.query(query).then(
      (result) => result.rows[0],
      () => null,
    )
    if (!found) continue
    const nulls = Object.fromEntries(names.map((name, i) => [name, Number(found[i])]))
    sample.set(table, { rows: Number(found.rows), nulls })
  }
  return sample
}
